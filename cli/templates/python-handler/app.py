import json

from componentize_py_types import Err
from wit_world.exports import Handler
from wit_world.imports.lambda_function_types import Failure


class Handler(Handler):
    def handle(self, event, context):
        try:
            records = json.loads(event).get("Records", [])
        except (ValueError, AttributeError) as error:
            raise Err(Failure(error_type="InvalidEvent", error_message=str(error), stack_trace=[]))
        print(context.request_id, "got an event")
        return json.dumps({"records": len(records)}).encode()
