/** Reasons of delivery itself, whichever connector it uses; those of a connector stand in its spec. */
export const deliveryReasons: Readonly<Record<string, string>> = {
  unknown_destination: 'The destination is not configured any more',
  unknown_connector: 'The destination names a connector that does not exist',
  config_invalid: 'The configuration of the destination is not valid for its connector',
  destination_disabled: 'The destination is switched off, by hand or because its receiver said 410',
  expired: 'It could not be delivered within the horizon of its destination',
  already_delivered: 'Another run of the event delivered it: a replay sends nothing twice',
  parked_full: 'Too many dispatches wait behind a failing one of an ordered destination',
  too_large: 'It cannot be put off: the topic of retries takes no record of its size',
  transform_failed: 'The transform of the route failed on this event',
  internal_error: 'A fault of Zenhook; the attempt is repeated by the schedule',
}
