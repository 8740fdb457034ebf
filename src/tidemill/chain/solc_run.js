// Run one Solidity compilation: standard JSON on stdin, standard JSON on stdout.
// Usage: node solc_run.js PATH/TO/soljson.js
// The compiler is called directly, so that none of the npm wrapper's own dependencies are needed; every source is in the
// input, so the import callback is null.
"use strict";
const compiler = require(require("path").resolve(process.argv[2]));
const input = require("fs").readFileSync(0, "utf8");
function run() {
  const compile = compiler.cwrap("solidity_compile", "string", ["string", "number", "number"]);
  process.stdout.write(compile(input, 0, 0));
}
if (compiler.calledRun) run();
else compiler.onRuntimeInitialized = run;
