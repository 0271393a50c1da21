// Loaded before every test file.
import './allclose.ts';
