// Where the command `ssf` is: in the package for this machine.

const { optionalDependencies } = require('./package.json');

/** The name of this machine, as the packages have it. */
exports.machine = () => {
  const machine = `${process.platform}-${process.arch}`;
  if (process.platform === 'win32') return `${machine}-msvc`;
  if (process.platform !== 'linux') return machine;
  return `${machine}-${process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'gnu'}`;
};

/** The name of the program in those packages. */
exports.program = process.platform === 'win32' ? 'ssf.exe' : 'ssf';

exports.command = () => {
  const name = `@ssf-transmitter/cli-${exports.machine()}`;
  try {
    return require.resolve(`${name}/${exports.program}`);
  } catch (cause) {
    throw Object.assign(new Error(advice(name), { cause }), { code: 'SSF_COMMAND_MISSING' });
  }
};

function advice(name) {
  if (!Object.hasOwn(optionalDependencies, name)) {
    return `ssf-transmitter-cli has no package ${name}; it has ${Object.keys(optionalDependencies).join(', ')}`;
  }
  return (
    `The package ${name}, which has the command ssf for this machine, is not installed. ` +
    'Install again without --omit=optional (or --no-optional), and on the machine that will run it: ' +
    'node_modules of another platform do not serve.'
  );
}
