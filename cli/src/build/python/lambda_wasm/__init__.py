"""What lambda-wasm adds to Python functions of `wasi:http`.

`wsgi` and `asgi` serve the applications of web frameworks, `outgoing` sends requests, and `aws` makes boto3 send its
requests that way. They need nothing but the Python standard library.
"""
