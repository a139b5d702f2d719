//! At its best on one CPU: tokio on the current thread, where its HTTP client keeps its connection.

use lambda_runtime::{Error, run, service_fn};
use peer_lambda_runtime::hello;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(hello)).await
}
