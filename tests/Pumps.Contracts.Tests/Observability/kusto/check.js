'use strict';

// Parses queries and binds them to tables: an unknown table, column or function is an error, as it would be in Azure.
// in:  {"tables": {"AppMetrics": "(Name: string, ...)"}, "queries": {"name": "text"}}
// out: one JSON object for each fault
const fs = require('node:fs');
const folder = '@kusto/language-service-next/';
require(folder + 'bridge.min.js');
require(folder + 'Kusto.Language.Bridge.min.js');

const { tables, queries } = JSON.parse(fs.readFileSync(0, 'utf8'));
const { Symbols, GlobalState, KustoCode } = Kusto.Language;
const known = Object.entries(tables).map(([name, schema]) => new Symbols.TableSymbol.$ctor7(name, schema, null));
const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.$ctor3('workspace', null, known, false));

for (const [query, text] of Object.entries(queries)) {
    const faults = KustoCode.ParseAndAnalyze(text, globals).GetDiagnostics();
    for (let i = 0; i < faults.Count; i++) {
        const fault = faults.getItem(i);
        console.log(JSON.stringify({ query, at: text.substr(fault.Start, fault.Length), message: fault.Message }));
    }
}
