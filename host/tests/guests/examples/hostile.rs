//! A `handler-function` that tries to get out of its sandbox, or to deceive who reads its log. Its event is `"verb"` or
//! `"verb:argument"`, as a JSON string; its answer says what came of it.

wit_bindgen::generate!({ path: "../../../wit", world: "handler-function", generate_all });

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use exports::lambda::function::handler::{Context, Failure, Guest};
use wasi::filesystem::preopens::get_directories;
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::resolve_addresses;
use wasip2::sockets::network::IpAddressFamily;
use wasip2::sockets::tcp_create_socket::create_tcp_socket;
use wasip2::sockets::udp_create_socket::create_udp_socket;

struct Hostile;
export!(Hostile);

impl Guest for Hostile {
    fn handle(event: Vec<u8>, context: Context) -> Result<Vec<u8>, Failure> {
        let text = String::from_utf8_lossy(&event).into_owned();
        let command = text.trim().trim_matches('"');
        let (verb, argument) = command.split_once(':').unwrap_or((command, ""));
        let number = || argument.parse().unwrap_or(0_u64);
        let answer = match verb {
            "good" => "good".to_owned(),
            "echo" => argument.to_owned(),
            // A neighbour that takes so many milliseconds.
            "good-after" => {
                std::thread::sleep(std::time::Duration::from_millis(number()));
                "good".to_owned()
            }
            // Bytes in base64.
            "stdout" => write(&mut io::stdout(), &STANDARD.decode(argument).unwrap()),
            "stderr" => write(&mut io::stderr(), &STANDARD.decode(argument).unwrap()),
            // The same, and a trap.
            "dying-words" => {
                write(&mut io::stderr(), &STANDARD.decode(argument).unwrap());
                std::process::abort()
            }
            // Ten GB of the same bytes.
            "flood" => {
                let bytes = argument.replace("\\n", "\n").repeat(4096 / argument.len());
                for _ in 0..10_000_000_000 / bytes.len() as u64 {
                    io::stdout().write_all(bytes.as_bytes()).unwrap();
                }
                unreachable!("it may say as much")
            }
            "fail" => {
                let text = String::from_utf8(STANDARD.decode(argument).unwrap()).unwrap();
                return Err(Failure {
                    error_type: text.clone(),
                    error_message: text.clone(),
                    stack_trace: vec![text],
                });
            }
            "environment" => format!("{:?}", wasi::cli::environment::get_environment()),
            "arguments" => format!(
                "{:?} {:?}",
                wasi::cli::environment::get_arguments(),
                wasi::cli::environment::initial_cwd()
            ),
            "context" => format!("{context:?}"),
            "read" => told(fs::read_to_string(argument)),
            "folders" => {
                let folders = get_directories();
                format!(
                    "{:?}",
                    folders.iter().map(|(_, name)| name).collect::<Vec<_>>()
                )
            }
            "connect" => told(TcpStream::connect(argument).map(|_| "connected")),
            "listen" => told(TcpListener::bind(argument).map(|_| "bound")),
            "send" => told(
                UdpSocket::bind("0.0.0.0:0")
                    .and_then(|socket| socket.send_to(b"ping", argument))
                    .map(|_| "sent"),
            ),
            "resolve" => told(argument.to_socket_addrs().map(|_| "resolved")),
            "sockets" => sockets(),
            _ => told(on_files(verb, argument, number())),
        };
        Ok(format!("{answer:?}").into_bytes())
    }
}

/// What comes of each function of `wasi:sockets` that takes no socket.
fn sockets() -> String {
    let network = instance_network();
    format!(
        "{} {} {}",
        create_tcp_socket(IpAddressFamily::Ipv4)
            .map(|_| "")
            .unwrap_or_else(|code| code.name()),
        create_udp_socket(IpAddressFamily::Ipv6)
            .map(|_| "")
            .unwrap_or_else(|code| code.name()),
        resolve_addresses(&network, "localhost")
            .map(|_| "")
            .unwrap_or_else(|code| code.name()),
    )
}

/// What came of it, or the kind of error.
fn told(result: io::Result<impl ToString>) -> String {
    match result {
        Ok(text) => text.to_string(),
        Err(error) => format!("error: {:?}", error.kind()),
    }
}

fn write(stream: &mut impl Write, bytes: &[u8]) -> String {
    stream.write_all(bytes).unwrap();
    stream.flush().unwrap();
    "written".to_owned()
}

/// An empty file, to write and to read.
fn new_file(path: &str) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .open(path)
}

fn on_files(verb: &str, argument: &str, number: u64) -> io::Result<String> {
    // Of one test alone, whose variable it is.
    let file_name = std::env::var("SCRATCH").unwrap_or_default();
    let path = &*format!("/tmp/{file_name}");
    match verb {
        // As many files open at once as there can be.
        "open-all" => {
            let mut files = Vec::new();
            loop {
                match File::open(argument) {
                    Ok(file) => files.push(file),
                    Err(error) => return Ok(format!("{:?}", error.kind())),
                }
            }
        }
        // A path of so many folders that are not there.
        "long-path" => fs::read_to_string(format!("/tmp/{}", "a/".repeat(number as usize))),
        "up-and-up" => {
            fs::read_to_string(format!("/tmp/{}etc/passwd", "../".repeat(number as usize)))
        }
        "nul-path" => fs::read_to_string("/tmp/\0/../etc/passwd"),
        // A link to itself, and one to where credentials are.
        "link" => {
            for (folder, name) in get_directories() {
                if name == "/tmp" {
                    let _ = folder.unlink_file_at(&file_name);
                    folder
                        .symlink_at(argument, &file_name)
                        .map_err(|code| io::Error::other(format!("{code:?}")))?;
                }
            }
            let read = fs::read_to_string(path);
            fs::remove_file(path)?;
            read
        }
        // So many MiB written and read again, all at the same place.
        "again" => {
            let mut file = new_file(path)?;
            let mut piece = vec![b'x'; 1024 * 1024];
            for _ in 0..number {
                file.seek(SeekFrom::Start(0))?;
                file.write_all(&piece)?;
                file.seek(SeekFrom::Start(0))?;
                file.read_exact(&mut piece)?;
            }
            fs::remove_file(path)?;
            Ok("again".to_owned())
        }
        // A file that says it is so long, and a byte at its end.
        "large" => {
            let mut file = new_file(path)?;
            let tried = file
                .set_len(number)
                .and_then(|()| file.seek(SeekFrom::Start(number.saturating_sub(1))))
                .and_then(|_| file.read(&mut [0; 1]));
            fs::remove_file(path)?;
            tried.map(|count| count.to_string())
        }
        other => Ok(format!("no such command: {other}")),
    }
}
