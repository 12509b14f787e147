import { sleeperSuite } from '../harness/sleepers.ts';
import { flooding } from './flooding.ts';

sleeperSuite(flooding);
