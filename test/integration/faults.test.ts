/** Sockets that break at any step: a few here, ten thousand in the stress suite. */
import { testFaults } from '../helpers/faults/suite.ts';

testFaults(100, 3000);
