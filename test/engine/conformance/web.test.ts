import { conformance } from './conformance';

await conformance('web');
