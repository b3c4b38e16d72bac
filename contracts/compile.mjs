// Compile src/*.sol with the pinned solc into build/<Name>.json, one file a contract that can be deployed, and for each
// patch in mutants/ the contract of the protocol that its run is of into build/mutants/<Mutant>.json.
// What each build was made of is recorded in it, so that a stale one is found without Node.
import {applyPatch, parsePatch} from "diff";
import {createHash} from "node:crypto";
import {mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import solc from "solc";

const here = (path) => new URL(path, import.meta.url);
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const listed = (folder, ending) => readdirSync(here(folder)).filter((name) => name.endsWith(ending)).sort();
const settings = JSON.parse(readFileSync(here("solc.json"), "utf8"));
const {dependencies} = JSON.parse(readFileSync(here("package.json"), "utf8"));
const compiler = solc.version();
const texts = {}; // every file that was read, imports and patches too

const read = (path) => {
  texts[path] ??= readFileSync(here(/^(src|mutants)\//.test(path) ? path : `node_modules/${path}`), "utf8");
  return texts[path];
};

const compile = (sources, outputSelection) => {
  const content = Object.fromEntries(Object.entries(sources).map(([path, text]) => [path, {content: text}]));
  const input = {language: "Solidity", sources: content, settings: {...settings, outputSelection}};
  const output = JSON.parse(solc.compile(JSON.stringify(input), {import: (path) => ({contents: read(path)})}));
  return {contracts: output.contracts ?? {}, complaints: output.errors ?? []};
};

const failed = (where, complaints) => {
  complaints.forEach((each) => console.error(`${where}: ${each.formattedMessage}`));
  process.exit(1);
};

const write = (file, name, {abi, evm, metadata}, patches) => {
  const parts = [...Object.keys(JSON.parse(metadata).sources), ...patches].sort();
  const made = {
    compiler,
    libraries: {"@openzeppelin/contracts": dependencies["@openzeppelin/contracts"]},
    settings,
    sources: Object.fromEntries(parts.map((part) => [part, sha256(read(part))])), // as they lie here: before patching
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
  writeFileSync(here(`build/${file}.json`), `${JSON.stringify(build, null, 1)}\n`);
  console.log(`${file}: ${evm.deployedBytecode.object.length / 2} bytes`);
};

rmSync(here("build"), {recursive: true, force: true});
mkdirSync(here("build/mutants"), {recursive: true});
const wanted = ["abi", "evm.bytecode", "evm.deployedBytecode.object", "evm.methodIdentifiers", "metadata"];
const sources = Object.fromEntries(listed("src", ".sol").map((name) => [`src/${name}`, read(`src/${name}`)]));
const {contracts, complaints} = compile(sources, {"*": {"*": wanted}});
if (complaints.length > 0) failed("src", complaints); // a warning too: the contracts are clean
const protocols = {}; // by the name of the protocol: the contract that can be deployed
for (const [path, found] of Object.entries(contracts)) {
  if (!path.startsWith("src/")) continue;
  for (const [name, contract] of Object.entries(found)) {
    if (!contract.evm.bytecode.object || contract.abi.length === 0) continue; // abstract or internal: part of others
    protocols[name.toLowerCase()] = {path, name};
    write(name, name, contract, []);
  }
}

for (const name of listed("mutants", ".patch")) {
  const patched = {...sources};
  for (const part of parsePatch(read(`mutants/${name}`))) {
    const path = part.newFileName.replace(/^b\//, "").replace(/\t.*$/, "");
    const text = path in patched && applyPatch(patched[path], part, {fuzzFactor: 0});
    if (text === false) failed(name, [{formattedMessage: `its hunks do not fit ${path}: make it again`}]);
    patched[path] = text;
  }
  const protocol = /^Run:.*\bprotocol=(\w+)/m.exec(read(`mutants/${name}`))?.[1] ?? "modelmarket";
  const {path, name: contract} = protocols[protocol] ?? failed(name, [{formattedMessage: `no contract ${protocol}`}]);
  const {contracts: broken, complaints: all} = compile(patched, {[path]: {[contract]: wanted}});
  const errors = all.filter((each) => each.severity === "error"); // a mutant may leave a variable unused
  if (errors.length > 0) failed(name, errors);
  write(`mutants/${name.replace(/\.patch$/, "")}`, contract, broken[path][contract], [`mutants/${name}`]);
}
