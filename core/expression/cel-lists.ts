import {
  type CelFunc,
  type CelList,
  type CelMap,
  CelScalar,
  type CelValue,
  celFunc,
  celList,
  celMethod,
  isCelList,
  isCelMap,
  listType,
  mapType,
} from '@bufbuild/cel'
import { conditionLimits, spend, within } from './cel-budget.ts'
import { paid, standard } from './cel-funcs.ts'

const { BOOL, DOUBLE, DYN, INT, STRING, UINT } = CelScalar
const LIST = listType(DYN)
const MAP = mapType(DYN, DYN)

const equalsOfLibrary = standard.find(({ name }) => name === '_==_')

/** CEL's `==`, as the library has it, paid for as it goes. */
const equal = (left: CelValue, right: CelValue): boolean => {
  if (typeof left === 'string' && typeof right === 'string') {
    if (left.length === right.length) spend(left.length / 16)
    return left === right
  }
  if (left === right) return true
  if (typeof left !== 'object' && typeof left === typeof right) return false
  if (isCelList(left)) return isCelList(right) && equalLists(left, right)
  if (isCelMap(left)) return isCelMap(right) && equalMaps(left, right)
  if (left instanceof Uint8Array) spend(left.length / 8)
  return equalsOfLibrary?.call(0, undefined, [left, right]) === true
}

const equalLists = (left: CelList, right: CelList): boolean => {
  if (left.size !== right.size) return false
  for (let index = 0; index < left.size; index += 1) {
    spend(1)
    if (!equal(left.get(index) ?? null, right.get(index) ?? null)) return false
  }
  return true
}

const equalMaps = (left: CelMap, right: CelMap): boolean => {
  if (left.size !== right.size) return false
  for (const [key, value] of left) {
    spend(1)
    const other = right.get(key)
    if (other === undefined || !equal(value, other)) return false
  }
  return true
}

const isIn = (value: CelValue, list: CelList): boolean => {
  for (const each of list) {
    spend(1)
    if (equal(each, value)) return true
  }
  return false
}

// The library's lists put together nest: those of `map` and `filter`, an element at a time, overflow the stack.
const itemsOf = new WeakMap<CelList, CelValue[]>()
const noList = celList([])

/** The first `size` of an array, which longer lists may share. */
const firstOf = (items: CelValue[], size: number): CelList => {
  const values = function* () {
    for (let index = 0; index < size; index += 1) yield items[index]
  }
  const list: CelList = Object.create(noList, {
    size: { value: size },
    get: { value: (index: number) => (index < size ? items[index] : undefined) },
    values: { value: values },
    [Symbol.iterator]: { value: values },
  })
  itemsOf.set(list, items)
  return list
}

const joined = (left: CelList, right: CelList): CelList => {
  const size = left.size + right.size
  within(size, conditionLimits.concat, 'a list')
  const known = itemsOf.get(left)
  // Where a longer list has been made of the left one before, its array goes on with that one's elements.
  const isShared = known?.length === left.size
  spend(isShared ? right.size : size)
  const items = known !== undefined && isShared ? known : [...left]
  for (const each of right) items.push(each)
  return firstOf(items, size)
}

const has = (key: CelValue, map: CelMap): boolean => map.has(key as Parameters<CelMap['has']>[0])

/** What compares, searches and makes lists and maps. */
export const listFunctions: readonly CelFunc[] = [
  celFunc('_==_', [DYN, DYN], BOOL, equal),
  celFunc('_!=_', [DYN, DYN], BOOL, (left, right) => !equal(left, right)),
  celFunc('@in', [DYN, LIST], BOOL, isIn),
  ...[STRING, DOUBLE, INT, BOOL, UINT].map((key) => celFunc('@in', [key, MAP], BOOL, has)),
  celFunc('_+_', [LIST, LIST], LIST, joined),
  celFunc('size', [MAP], INT, (map) => BigInt(map.size)),
  celMethod('size', MAP, [], INT, function () {
    return BigInt(this.size)
  }),
].map((func) => paid(func))
