// A program to bundle.

import * as sdk from 'ssf-transmitter';
import * as testing from 'ssf-transmitter/testing';
import { scenario } from './scenario.cjs';

scenario(sdk, testing).then(console.log);
