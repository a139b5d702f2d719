//! Shows on a terminal that a step runs, and for how long. Elsewhere nothing is shown.

use std::io::{BufRead as _, BufReader, Read};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The time between two frames.
const FRAME: Duration = Duration::from_millis(100);

/// A step that runs. Dropping it clears its line.
pub struct Step(ProgressBar);

impl Step {
    /// Shows a step.
    pub fn begin(what: impl Into<String>) -> Self {
        // Standard error, if it is a terminal.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(what.into());
        bar.enable_steady_tick(FRAME);
        Self(bar)
    }

    /// Whether the step is shown.
    pub fn is_shown(&self) -> bool {
        !self.0.is_hidden()
    }

    /// Prints what a program writes, above the line of the step.
    pub fn print_above(&self, output: impl Read + Send + 'static) -> thread::JoinHandle<()> {
        let bar = self.0.clone();
        thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                bar.println(String::from_utf8_lossy(&line));
            }
        })
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
