//! A `streaming-function` that does what its event, a JSON string, tells it: one of [`guests::steps`], such as
//! `"chunks?n=3&size=10"`, or one of those below.

mod output;

wit_bindgen::generate!({
    path: "../../../wit",
    world: "streaming-function",
    generate_all,
    with: {
        // The other guests' types, so that they can share what works on a stream.
        "wasi:io/error@0.2.12": wasip2::io::error,
        "wasi:io/poll@0.2.12": wasip2::io::poll,
        "wasi:io/streams@0.2.12": wasip2::io::streams,
    },
});

use exports::lambda::function::streaming_handler::{Context, Failure, Guest};
use guests::{Target, millis, panics, run_forever, steps};
use output::{End, pause};
use std::fs::File;
use std::io::Write;
use wasip2::io::streams::OutputStream;

struct Streaming;
export!(Streaming);

impl Guest for Streaming {
    fn handle(event: Vec<u8>, mut output: OutputStream, context: Context) -> Result<(), Failure> {
        let text = String::from_utf8_lossy(&event).into_owned();
        let target = Target::parse(text.trim().trim_matches('"'));
        match target.path() {
            "echo" | "good" => write(&mut output, &event),
            "context" => write(&mut output, format!("{context:?}").as_bytes()),
            "trap" => panics(),
            "loop" => run_forever(),
            "sleep" => {
                pause(millis(target.millis()));
                write(&mut output, b"woke\n");
            }
            // As many files of /tmp as there are to be had of ?n=N, held for ?ms=N.
            "open" => {
                let files = (0..target.number("n", 0)).map_while(|_| File::open("/tmp").ok());
                let files: Vec<_> = files.collect();
                pause(millis(target.millis()));
                write(&mut output, format!("good {}\n", files.len()).as_bytes());
            }
            // The whole answer, and then a failure that nobody waits for any more.
            "fail-after" => {
                write(&mut output, b"whole\n");
                drop(output);
                return Err(failure());
            }
            path => {
                let Some(mut steps) = steps(&target) else {
                    return Err(Failure {
                        error_type: "UnknownCommand".to_owned(),
                        error_message: format!("no such command: {path}"),
                        stack_trace: vec![],
                    });
                };
                if let End::Failed = output::write(output, &mut steps) {
                    // ?words=N: and so many bytes more.
                    let mut failure = failure();
                    failure.error_message += &"x".repeat(target.number("words", 0) as usize);
                    return Err(failure);
                }
                steps.for_each(output::work);
            }
        }
        Ok(())
    }
}

fn write(output: &mut OutputStream, bytes: &[u8]) {
    let written = output.write_all(bytes).and_then(|()| Write::flush(output));
    if let Err(error) = written {
        println!("the answer was not written: {error}");
    }
}

fn failure() -> Failure {
    Failure {
        error_type: "AsItSays".to_owned(),
        error_message: "as it says: ü\n\"quoted\"".to_owned(),
        stack_trace: vec!["at the guest".to_owned()],
    }
}
