use std::io::Write;
use std::thread::sleep;
use std::time::Duration;

use lambda_wasm_guest::{Context, Output, Result, stream};
use serde_json::Value;

stream!(handle);

fn handle(_event: Value, output: &mut Output, _context: Context) -> Result<()> {
    for number in (0..=3).rev() {
        writeln!(output, "{number}")?;
        output.flush()?;
        sleep(Duration::from_millis(200));
    }
    Ok(())
}
