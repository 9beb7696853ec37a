import { conformance } from './conformance';

await conformance('gpu');
