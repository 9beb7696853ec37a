import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

// The rules of core.md that a machine can hold us to.
const techniques = ['ewc', 'prompting', 'crosslingual', 'adversarial'];

const synchronousReads = ['dataSync', 'arraySync', 'print'].map((name) => ({
  selector: `MemberExpression[property.name='${name}'], MemberExpression[property.value='${name}'], Property[key.name='${name}'][parent.type='ObjectPattern']`,
  message: `${name} blocks until the device is done, and splits a step of the lazy engine: await data() outside the tape.`,
}));

const wholeLibrary = {
  regex: '(^|/)src/index$|^\\.\\./?(index)?$|/cli(/|$)',
  message: 'Import the file itself: the package index and the CLI are entry points.',
};

export default defineConfig(
  globalIgnores(['dist/', 'runs/', 'coverage/', 'bench/.venv/']),
  js.configs.recommended,
  tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'], location: 'anywhere' }],
      '@typescript-eslint/ban-ts-comment': [
        'error',
        { 'ts-expect-error': 'allow-with-description', 'ts-ignore': true, 'ts-nocheck': true },
      ],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // Shapes in messages: `[${shape}]`.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNullish: true, allowArray: true },
      ],
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingUnknown: true }],
      // A function may be async because an interface says so; a pass is taken apart by design.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['src/**'],
    rules: {
      'max-lines': ['error', { max: 220 }],
      'no-console': 'error',
      'no-restricted-syntax': [
        'error',
        ...synchronousReads,
        {
          selector: 'ImportDeclaration[specifiers.length=0]',
          message: 'sideEffects is false, so bundlers drop this import: export a function and call it.',
        },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Randomness is an argument: take an Rng.' },
      ],
      'no-restricted-imports': ['error', { patterns: [wholeLibrary] }],
    },
  },
  ...techniques.map((room) => ({
    files: [`src/${room}/**`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            wholeLibrary,
            {
              regex: `(^|/)(${techniques.filter((other) => other !== room).join('|')})(/|$)`,
              message:
                'Technique rooms do not import each other: they meet in a pass. What two of them need goes to core, losses or data.',
            },
          ],
        },
      ],
    },
  })),
  {
    files: ['src/core/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: '^(?!\\./|\\.\\./engine/cut$|@tensorflow/tfjs$)',
              message: 'The core imports itself, engine/cut and tfjs, nothing else.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['src/cli/**'],
    rules: { 'no-console': 'off', 'no-restricted-imports': 'off' },
  },
  {
    files: ['test/**'],
    rules: {
      // What vitest's matchers, JSON fixtures and `array[0]!` look like to these; tsc checks the tests too.
      ...Object.fromEntries(
        ['assignment', 'argument', 'call', 'member-access', 'return'].map((use) => [
          `@typescript-eslint/no-unsafe-${use}`,
          'off',
        ]),
      ),
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', URL: 'readonly', __dirname: 'readonly', exports: 'readonly' },
      parserOptions: { projectService: false, project: null },
    },
  },
);
