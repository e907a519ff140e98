/** What a subscriber sends first, and gets back when it is one; a publisher sends another byte. */
export const subscriberByte = 1;
export const publisherByte = 2;
