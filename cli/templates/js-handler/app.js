export const handler = {
  handle(event, context) {
    const { Records: records = [] } = JSON.parse(new TextDecoder().decode(event));
    console.log(`${context.requestId} got an event`);
    return new TextEncoder().encode(JSON.stringify({ records: records.length }));
  },
};
