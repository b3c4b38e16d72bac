// node compile.mjs FOLDER OUT [NAME …]: compile FOLDER/src/**/*.sol with the pinned solc into OUT/<Name>.json, one file a
// contract that can be deployed, and for each patch in FOLDER/mutants the contract of the protocol that its run is of
// into OUT/mutants/<Mutant>.json. With NAMEs, these contracts alone, without mutants. FOLDER is this one or a project's,
// whose imports begin with ./ or @openzeppelin/, with slashpoint/ for a source of ours, or lie in its node_modules.
// What each build was made of is recorded in it, so that a stale one is found without Node.
import {applyPatch, parsePatch} from "diff";
import {createHash} from "node:crypto";
import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from "node:fs";
import {basename, join} from "node:path";
import {fileURLToPath} from "node:url";
import solc from "solc";

const ours = fileURLToPath(new URL(".", import.meta.url)).replace(/[\\/]$/, "");
const [folder, out, ...names] = process.argv.slice(2);
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const either = (path) => join(existsSync(join(folder, path)) ? folder : ours, path); // a project's own comes first
const settings = JSON.parse(readFileSync(either("solc.json"), "utf8"));
const {dependencies} = JSON.parse(readFileSync(join(ours, "package.json"), "utf8"));
const compiler = solc.version();
const texts = {}; // every file that was read, imports and patches too

const listed = (inside, ending) =>
  existsSync(join(folder, inside))
    ? readdirSync(join(folder, inside), {recursive: true})
        .map((name) => name.replaceAll("\\", "/"))
        .filter((name) => name.endsWith(ending))
        .sort()
    : [];

const placed = (path) => {
  if (/^(src|mutants)\//.test(path)) return join(folder, path);
  return path.startsWith("slashpoint/") ? join(ours, path.replace("slashpoint/", "src/")) : either(`node_modules/${path}`);
};

const read = (path) => (texts[path] ??= readFileSync(placed(path), "utf8"));

const found = (path) => {
  try {
    return {contents: read(path)};
  } catch {
    return {error: "there is no such file"};
  }
};

const compile = (sources, outputSelection) => {
  const content = Object.fromEntries(Object.entries(sources).map(([path, text]) => [path, {content: text}]));
  const input = {language: "Solidity", sources: content, settings: {...settings, outputSelection}};
  const output = JSON.parse(solc.compile(JSON.stringify(input), {import: found}));
  return {contracts: output.contracts ?? {}, complaints: output.errors ?? []};
};

const failed = (...complaints) => {
  complaints.forEach((each) => console.error(each));
  process.exit(1);
};

const told = (each) => each.formattedMessage.trimEnd();

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
  const path = join(out, `${file}.json`);
  if (existsSync(path)) failed(`two are called ${file}: a build is called like its contract, or its patch in mutants`);
  writeFileSync(path, `${JSON.stringify(build, null, 1)}\n`);
  console.log(`${file}: ${evm.deployedBytecode.object.length / 2} bytes`);
};

mkdirSync(join(out, "mutants"), {recursive: true});
const wanted = ["abi", "evm.bytecode", "evm.deployedBytecode.object", "evm.methodIdentifiers", "metadata"];
const sources = Object.fromEntries(listed("src", ".sol").map((name) => [`src/${name}`, read(`src/${name}`)]));
const defines = (text) => names.some((name) => new RegExp(`\\b(contract|library)\\s+${name}\\b`).test(text));
const chosen = Object.fromEntries(Object.entries(sources).filter(([, text]) => names.length === 0 || defines(text)));
const {contracts, complaints} = compile(chosen, {"*": {"*": wanted}});
const bad = complaints.filter((each) => folder === ours || each.severity === "error"); // ours are clean of warnings too
if (bad.length > 0) failed(...bad.map(told));
complaints.forEach((each) => console.error(told(each)));
const protocols = {}; // by the name of the protocol: the contract that can be deployed
for (const [path, inside] of Object.entries(contracts)) {
  if (!path.startsWith("src/")) continue;
  for (const [name, contract] of Object.entries(inside)) {
    if (names.length > 0 && !names.includes(name)) continue;
    if (!contract.evm.bytecode.object || contract.abi.length === 0) continue; // abstract or internal: part of others
    protocols[name.toLowerCase()] = {path, name};
    write(name, name, contract, []);
  }
}
const missing = names.filter((name) => !protocols[name.toLowerCase()]);
if (missing.length > 0) failed(`${missing.join(", ")}: nothing that can be deployed`);

for (const name of names.length > 0 ? [] : listed("mutants", ".patch")) {
  const patched = {...sources};
  for (const part of parsePatch(read(`mutants/${name}`))) {
    const path = part.newFileName.replace(/^b\//, "").replace(/\t.*$/, "");
    const text = path in patched && applyPatch(patched[path], part, {fuzzFactor: 0});
    if (text === false) failed(`${name}: its hunks do not fit ${path}: make it again`);
    patched[path] = text;
  }
  const protocol = /^Run:.*\bprotocol=(\w+)/m.exec(read(`mutants/${name}`))?.[1] ?? "modelmarket";
  const {path, name: contract} = protocols[protocol] ?? failed(`${name}: no contract ${protocol}`);
  const {contracts: broken, complaints: all} = compile(patched, {[path]: {[contract]: wanted}});
  const errors = all.filter((each) => each.severity === "error"); // a mutant may leave a variable unused
  if (errors.length > 0) failed(...errors.map((each) => `${name}: ${told(each)}`));
  write(`mutants/${basename(name, ".patch")}`, contract, broken[path][contract], [`mutants/${name}`]);
}
