import type { BatchHandler, SubscribeOptions } from '../port.ts'
import type { PartitionState } from './partitions.ts'

/** One partition as one group sees it. */
export interface GroupPartition {
  readonly state: PartitionState
  /** Next offset the group wants; absent until it settled something. */
  progress: number | undefined
  owner: Ownership | undefined
  /** The last of the settles under way: the next one, and whoever takes over, wait for it. */
  settling: Promise<void> | undefined
}

/** A member's right to a partition, from its assignment until it moves. */
export interface Ownership {
  readonly member: Member
  readonly controller: AbortController
  /** False once the partition has moved: a settle is refused then. */
  owned: boolean
}

export interface Member {
  readonly options: SubscribeOptions
  readonly handler: BatchHandler
  closing: boolean
  /** The loop per partition; one that is assigned again waits for its former loop. */
  readonly loops: Map<GroupPartition, Promise<void>>
}

export interface Group {
  readonly name: string
  /** Whether its progress is written. */
  readonly persistent: boolean
  readonly members: Member[]
  readonly partitions: Map<PartitionState, GroupPartition>
}

export const createGroup = (name: string, persistent: boolean): Group => ({
  name,
  persistent,
  members: [],
  partitions: new Map(),
})

export const groupPartition = (
  group: Group,
  state: PartitionState,
  progress?: number,
): GroupPartition => {
  const known = group.partitions.get(state)
  if (known !== undefined) return known
  const made = {
    state,
    progress,
    owner: undefined,
    settling: undefined,
  }
  group.partitions.set(state, made)
  return made
}

/**
 * Splits each topic's partitions over the members that want it, by turn in the order they joined.
 * Whoever loses a partition is told by its signal and can no longer settle; whoever gets one starts.
 */
export const assign = (
  group: Group,
  partitionsOf: (topic: string) => readonly PartitionState[],
  start: (partition: GroupPartition, ownership: Ownership) => void,
): void => {
  const members = group.members.filter((member) => !member.closing)
  const wanted = new Set(members.flatMap((member) => member.options.topics))
  for (const { topic } of group.partitions.keys()) wanted.add(topic)
  for (const topic of wanted) {
    const candidates = members.filter((member) => member.options.topics.includes(topic))
    for (const state of partitionsOf(topic)) {
      const partition = groupPartition(group, state)
      const member = candidates[state.partition % candidates.length]
      if (partition.owner?.member === member) continue
      // A closing member keeps what it holds until its handlers are done; then `assign` runs again.
      if (
        partition.owner?.member.closing === true &&
        group.members.includes(partition.owner.member)
      )
        continue
      if (partition.owner !== undefined) {
        partition.owner.owned = false
        partition.owner.controller.abort()
        partition.owner = undefined
      }
      if (member === undefined) continue
      const ownership = { member, controller: new AbortController(), owned: true }
      partition.owner = ownership
      start(partition, ownership)
    }
  }
}
