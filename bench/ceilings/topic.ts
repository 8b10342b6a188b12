import { connect } from 'node:net'
import { type ISocketFactory, Kafka, logLevel } from 'kafkajs'
import { topicDefaults } from '../../core/log/topics.ts'

// As Zenhook does: kafkajs alone lets small requests wait for each other on a connection.
const socketFactory: ISocketFactory = ({ host, port, onConnect }) =>
  connect({ host, port }, onConnect).setNoDelay(true)

export const kafkaOf = (brokers: readonly string[]): Kafka => {
  process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1'
  return new Kafka({
    clientId: 'bench',
    brokers: [...brokers],
    logLevel: logLevel.ERROR,
    socketFactory,
  })
}

/** A topic like those of Zenhook: the same partitions, as many replicas as there are nodes. */
export const createTopic = async (kafka: Kafka, topic: string): Promise<void> => {
  const admin = kafka.admin()
  await admin.connect()
  const { brokers } = await admin.describeCluster()
  const { partitions: numPartitions } = topicDefaults
  const replicationFactor = Math.min(3, brokers.length)
  await admin.createTopics({
    waitForLeaders: true,
    topics: [{ topic, numPartitions, replicationFactor }],
  })
  await admin.disconnect()
}
