//! A `handler-function` that tries what its policy may allow. Its event is `"verb"` or `"verb:argument"`, as a JSON string;
//! its answer says what came of it.

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "
        package test:policy;
        package wasi:config@0.2.0-rc.1 {
            interface store {
                variant error { upstream(string), io(string) }
                get: func(key: string) -> result<option<string>, error>;
                get-all: func() -> result<list<tuple<string, string>>, error>;
            }
        }
        world policy {
            include lambda:function/handler-function@0.1.0;
            import wasi:config/store@0.2.0-rc.1;
        }
    ",
    world: "test:policy/policy",
    generate_all,
});

use std::cell::RefCell;
use std::fs::{self, File, OpenOptions};
use std::hash::BuildHasher;
use std::io::{self, Read, Write};

use exports::lambda::function::handler::{Context, Failure, Guest};
use wasi::clocks::monotonic_clock::subscribe_duration;
use wasi::config::store;
use wasi::io::poll::Pollable;

struct Policy;
export!(Policy);

thread_local! {
    static KEPT: RefCell<Kept> = const { RefCell::new(Kept { count: 0, file: None, timers: Vec::new() }) };
}

/// What a kept instance would have from before.
struct Kept {
    count: u32,
    file: Option<File>,
    timers: Vec<Pollable>,
}

impl Guest for Policy {
    fn handle(event: Vec<u8>, context: Context) -> Result<Vec<u8>, Failure> {
        let text = String::from_utf8_lossy(&event).into_owned();
        let command = text.trim().trim_matches('"');
        let (verb, argument) = command.split_once(':').unwrap_or((command, ""));
        let answer = match verb {
            "keep" => keep(argument),
            "seeds" => {
                let hash = std::hash::RandomState::new().hash_one(0);
                format!("{:?} {hash}", wasi::random::insecure_seed::insecure_seed())
            }
            "trace" => format!(
                "{:?} {:?}",
                std::env::var("_X_AMZN_TRACE_ID").ok(),
                context.trace_id
            ),
            "env" => std::env::var(argument).unwrap_or_else(|_| "absent".to_owned()),
            "config" => format!("{:?}", store::get(argument)),
            "config-all" => {
                let mut all = store::get_all().unwrap_or_default();
                all.sort();
                format!("{all:?}")
            }
            "timers" => {
                let timers = (0..argument.parse().unwrap_or(0)).map(|_| subscribe_duration(1));
                KEPT.with_borrow_mut(|kept| kept.timers.extend(timers));
                "made".to_owned()
            }
            // So many KiB, in lines.
            "print" => {
                for _ in 0..argument.parse().unwrap_or(0) {
                    println!("{}", "x".repeat(1023));
                }
                "printed".to_owned()
            }
            "fail" => {
                return Err(Failure {
                    error_type: "Asked".to_owned(),
                    error_message: String::new(),
                    stack_trace: vec![],
                });
            }
            "trap" => panic!("on purpose"),
            _ => {
                let paths: Vec<&str> = argument.split(' ').collect();
                match on_files(verb, &paths) {
                    Ok(text) => text,
                    Err(error) => format!("{:?}", error.kind()),
                }
            }
        };
        Ok(format!("{answer:?}").into_bytes())
    }
}

/// Says what is kept from before, and leaves something behind in each place there is.
fn keep(path: &str) -> String {
    KEPT.with_borrow_mut(|kept| {
        let seen = format!(
            "{} {} {}",
            kept.count,
            kept.file.is_some(),
            std::env::var("LEFT_BEHIND").is_ok()
        );
        kept.count += 1;
        kept.file = File::open(path).ok();
        // SAFETY: there is one thread.
        unsafe { std::env::set_var("LEFT_BEHIND", "1") };
        seen
    })
}

fn on_files(verb: &str, paths: &[&str]) -> io::Result<String> {
    let path = paths[0];
    let options = |options: &mut OpenOptions| options.open(path);
    match verb {
        "read" => return fs::read_to_string(path),
        "list" => {
            let names = fs::read_dir(path)?.map(|entry| Ok(entry?.file_name()));
            let mut names = names.collect::<io::Result<Vec<_>>>()?;
            names.sort();
            return Ok(format!("{names:?}"));
        }
        // So many times.
        "open-and-stat" => {
            for _ in 0..paths[1].parse().unwrap_or(0) {
                fs::metadata(path)?;
                let mut text = String::new();
                File::open(path)?.read_to_string(&mut text)?;
            }
        }
        "write" => options(OpenOptions::new().write(true))?.write_all(b"changed")?,
        "append" => options(OpenOptions::new().append(true))?.write_all(b"more")?,
        "create" => File::create_new(path)?.write_all(b"new")?,
        "truncate" => drop(options(OpenOptions::new().write(true).truncate(true))?),
        "resize" => File::open(path)?.set_len(0)?,
        "remove" => fs::remove_file(path)?,
        "make-folder" => fs::create_dir(path)?,
        "remove-folder" => fs::remove_dir(path)?,
        "rename" => fs::rename(path, paths[1])?,
        "hard-link" => fs::hard_link(path, paths[1])?,
        "touch" => File::open(path)?.set_modified(std::time::SystemTime::UNIX_EPOCH)?,
        "symlink" => symlink(path, paths[1])?,
        other => return Ok(format!("no such command: {other}")),
    }
    Ok("done".to_owned())
}

/// The standard library has no stable function for it on WASI.
fn symlink(target: &str, link: &str) -> io::Result<()> {
    use wasi::filesystem::preopens::get_directories;
    let link = link.trim_start_matches('/');
    for (folder, name) in get_directories() {
        let Some(below) = link.strip_prefix(name.trim_start_matches('/')) else {
            continue;
        };
        let made = folder.symlink_at(target, below.trim_start_matches('/'));
        return made.map_err(|code| io::Error::other(format!("{code:?}")));
    }
    Err(io::ErrorKind::NotFound.into())
}
