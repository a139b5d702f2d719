wit_bindgen::generate!({ path: "wit", world: "streaming-function", generate_all });

use std::thread::sleep;
use std::time::Duration;

use exports::lambda::function::streaming_handler::{Context, Failure, Guest};
use wasi::io::streams::OutputStream;

struct Function;
export!(Function);

impl Guest for Function {
    fn handle(_event: Vec<u8>, output: OutputStream, _context: Context) -> Result<(), Failure> {
        for number in (0..=3).rev() {
            let line = format!("{number}\n");
            output
                .blocking_write_and_flush(line.as_bytes())
                .map_err(|error| Failure {
                    error_type: "ClientGone".to_owned(),
                    error_message: error.to_string(),
                    stack_trace: vec![],
                })?;
            sleep(Duration::from_millis(200));
        }
        Ok(())
    }
}
