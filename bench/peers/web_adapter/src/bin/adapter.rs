//! The adapter, as its own program starts it.

use lambda_web_adapter::{Adapter, AdapterOptions, Error};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let mut adapter = Adapter::new(&AdapterOptions::default())?;
    adapter.register_default_extension();
    adapter.check_init_health().await;
    adapter.run().await
}
