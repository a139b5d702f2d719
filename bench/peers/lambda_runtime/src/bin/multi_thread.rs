//! As its README has it: multi-threaded tokio.

use lambda_runtime::{Error, run, service_fn};
use peer_lambda_runtime::hello;

#[tokio::main]
async fn main() -> Result<(), Error> {
    run(service_fn(hello)).await
}
