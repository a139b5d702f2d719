"""Takes a batch of messages from SQS, and returns those that failed: only these come again.

The event source mapping needs `FunctionResponseTypes: [ReportBatchItemFailures]`.
"""

import json

from wit_world.exports import Handler


class Handler(Handler):
    def handle(self, event, context):
        failures = []
        for record in json.loads(event)["Records"]:
            try:
                take(json.loads(record["body"]))
            except Exception as error:
                print(json.dumps({"level": "WARN", "message": f"{record['messageId']}: {error}"}))
                failures.append({"itemIdentifier": record["messageId"]})
        return json.dumps({"batchItemFailures": failures}).encode()


def take(order):
    if order["quantity"] < 1:
        raise ValueError("the quantity is less than 1")
    print(f"{order['quantity']} of {order['item']}")
