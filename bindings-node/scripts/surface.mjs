// Writes the public API, as the declarations of all modules that can be imported say it, without comments. A module
// such as `ssf-transmitter/outbox` is a namespace in it.
//
// node scripts/surface.mjs FOLDER FILE    (FOLDER is for what is made on the way)

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const [, , folder, file] = process.argv;
const root = fileURLToPath(new URL('..', import.meta.url));
const { compilerOptions } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'));

rmSync(folder, { recursive: true, force: true });
const reports = join(folder, 'reports');
mkdirSync(reports, { recursive: true });
compile();
const entry = join(folder, 'all.d.ts');
writeFileSync(entry, modules().map(exported).join(''));
extract();
writeFileSync(file, declarations(readFileSync(join(reports, 'all.api.md'), 'utf8')));

// The types alone: the binary is not needed.
function compile() {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const options = ['--project', root, '--emitDeclarationOnly', '--outDir', folder];
  const { status } = spawnSync(process.execPath, [tsc, ...options], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

function modules() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const types = Object.values(exports).flatMap((module) => module.require?.types ?? []);
  return types.map((types) => /^\.\/dist\/(\w+)\.d\.ts$/.exec(types)[1]);
}

function exported(module) {
  return `export *${module === 'index' ? '' : ` as ${module}`} from './${module}.js';\n`;
}

function extract() {
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: entry,
      compiler: { overrideTsconfig: { compilerOptions: options(), files: [entry] } },
      // With the types that callers reach, but cannot name.
      apiReport: {
        enabled: true,
        includeForgottenExports: true,
        reportFileName: 'all',
        reportFolder: reports,
        reportTempFolder: folder,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      newlineKind: 'lf',
      messages: {
        compilerMessageReporting: { default: { logLevel: 'error' } },
        // How it is documented is not judged here.
        extractorMessageReporting: { default: { logLevel: 'none' } },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, 'package.json'),
  });
  const { succeeded } = Extractor.invoke(config, {
    localBuild: true,
    messageCallback: (message) => {
      message.handled = message.logLevel !== 'error';
    },
  });
  if (!succeeded) process.exit(1);
}

// Those of the package, so that a declaration means here what it meant when it was written.
function options() {
  return { ...compilerOptions, rootDir: undefined, typeRoots: [join(root, 'node_modules/@types')] };
}

function declarations(report) {
  const [, code] = /^```ts\n(.*)^```$/ms.exec(report);
  return `${code
    .replace(/^ *\/\*\*.*?\*\/\n/gms, '')
    .replace(/^ *\/\/ .*\n/gm, '')
    .trim()}\n`;
}
