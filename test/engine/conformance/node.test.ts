import { conformance } from './conformance';

await conformance('node');
