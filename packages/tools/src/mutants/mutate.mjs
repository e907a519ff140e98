/** A mutant: the code without one check, or without one binding. */

/**
 * @typedef {object} Mutant
 * @property {string} name short, unique
 * @property {'broker' | 'client-node'} [package] core otherwise
 * @property {string} file in the `src` of its package
 * @property {string} from occurs in the file exactly once
 * @property {string} to
 * @property {string} spec the requirement that is broken
 * @property {'noble'} [provider] where the vectors have to run with this one; node otherwise
 * @property {readonly string[]} [tests] files in the `test` of its package that are run first; else, and after them, those of its folder
 */

/** Of the repository. @param {Mutant} mutant */
export function folderOf({ package: name = 'core' }) {
  return `packages/${name}`;
}

/**
 * The text with the mutant in it.
 * @param {string} text of the mutant's file
 * @param {Mutant} mutant
 * @returns {string}
 * @throws where the place is not found, or found twice: a list that has fallen behind the code
 */
export function applyMutant(text, { name, file, from, to }) {
  const places = text.split(from).length - 1;
  if (places !== 1) throw new Error(`${name}: the text to replace occurs ${places} times in ${file}, not once`);
  return text.replace(from, () => to);
}

/** What is wrong with a list, whatever the code. @param {readonly Mutant[]} list @returns {string[]} */
export function complaints(list) {
  const names = list.map(({ name }) => name);
  return [
    ...names.filter((name, i) => names.indexOf(name) !== i).map((name) => `${name}: the name stands twice`),
    ...list.filter(({ from, to }) => from === to).map(({ name }) => `${name}: nothing is replaced`),
    ...list
      .filter(({ spec }) => !/^[a-z]+\.\d+$/.test(spec))
      .map(({ name, spec }) => `${name}: ${spec} is no requirement`),
  ];
}
