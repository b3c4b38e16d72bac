// Compile src/*.sol with the pinned solc into build/<Name>.json, one file a contract that can be deployed.
// What each build was made of is recorded in it, so that a stale one is found without Node.
import {createHash} from "node:crypto";
import {mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import solc from "solc";

const here = (path) => new URL(path, import.meta.url);
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const settings = JSON.parse(readFileSync(here("solc.json"), "utf8"));
const {dependencies} = JSON.parse(readFileSync(here("package.json"), "utf8"));
const compiler = solc.version();
const texts = {}; // every source that was read, imports too

const read = (path) => {
  texts[path] = readFileSync(here(path.startsWith("src/") ? path : `node_modules/${path}`), "utf8");
  return {contents: texts[path]};
};
const names = readdirSync(here("src")).filter((name) => name.endsWith(".sol")).sort();
const sources = Object.fromEntries(names.map((name) => [`src/${name}`, {content: read(`src/${name}`).contents}]));
const wanted = ["abi", "evm.bytecode", "evm.deployedBytecode.object", "evm.methodIdentifiers", "metadata"];
const input = {language: "Solidity", sources, settings: {...settings, outputSelection: {"*": {"*": wanted}}}};
const output = JSON.parse(solc.compile(JSON.stringify(input), {import: read}));
const complaints = output.errors ?? [];
complaints.forEach((each) => console.error(each.formattedMessage));
if (complaints.length > 0) process.exit(1); // a warning too: the contracts are clean

rmSync(here("build"), {recursive: true, force: true});
mkdirSync(here("build"));
for (const path of Object.keys(sources)) {
  for (const [name, {abi, evm, metadata}] of Object.entries(output.contracts[path] ?? {})) {
    if (!evm.bytecode.object || abi.length === 0) continue; // abstract or internal: part of others
    const parts = Object.keys(JSON.parse(metadata).sources).sort();
    const made = {
      compiler,
      libraries: {"@openzeppelin/contracts": dependencies["@openzeppelin/contracts"]},
      settings,
      sources: Object.fromEntries(parts.map((part) => [part, sha256(texts[part])])),
    };
    const build = {
      name,
      abi,
      bytecode: `0x${evm.bytecode.object}`,
      deployedBytecode: `0x${evm.deployedBytecode.object}`,
      linkReferences: evm.bytecode.linkReferences,
      methodIdentifiers: evm.methodIdentifiers,
      source_hash: sha256(JSON.stringify(made)),
      ...made,
    };
    writeFileSync(here(`build/${name}.json`), `${JSON.stringify(build, null, 1)}\n`);
    console.log(`${name}: ${evm.deployedBytecode.object.length / 2} bytes`);
  }
}
