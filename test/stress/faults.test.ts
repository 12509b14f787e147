/** Ten thousand connections whose sockets break at any step. */
import { testFaults } from '../helpers/faults/suite.ts';

testFaults(2500, 3000);
