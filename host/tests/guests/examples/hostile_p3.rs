//! A component of `wasi:http/service@0.3` that uses up what is new in WASI 0.3, by its path.

use guests::Target;
use wasip3::clocks::monotonic_clock::wait_for;
use wasip3::filesystem::preopens::get_directories;
use wasip3::filesystem::types::{
    Descriptor, DescriptorFlags, ErrorCode as FileError, OpenFlags, PathFlags,
};
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::sockets::ip_name_lookup::resolve_addresses;
use wasip3::sockets::types::{IpAddressFamily, TcpSocket, UdpSocket};
use wasip3::wit_bindgen::spawn_local;
use wasip3::{wit_future, wit_stream};

struct Http;
wasip3::http::service::export!(Http);

impl wasip3::exports::http::handler::Guest for Http {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let target = Target::parse(&request.get_path_with_query().unwrap_or_default());
        match target.path() {
            "good" => {}
            "streams" => loop {
                std::mem::forget(wit_stream::new::<u8>());
            },
            "futures" => loop {
                std::mem::forget(wit_future::new::<Result<Option<Fields>, ErrorCode>>(|| {
                    Ok(None)
                }));
            },
            "timers" => loop {
                std::mem::forget(Box::pin(started(wait_for(u64::MAX))).await);
            },
            "sleep" => wait_for(u64::MAX).await,
            // What is read here is written nowhere.
            "own-stream" => {
                let (writer, mut reader) = wit_stream::new::<u8>();
                reader.read(Vec::with_capacity(1)).await;
                drop(writer);
            }
            // Tasks that go on when the answer is complete.
            "tasks" => {
                for _ in 0..1000 {
                    spawn_local(wait_for(u64::MAX));
                }
            }
            "open-all" => {
                let directory = directory();
                loop {
                    std::mem::forget(open(directory).await.unwrap());
                }
            }
            // Nobody waits for one before the next is asked for.
            "open-at-once" => {
                let directory = directory();
                let mut opening = Vec::new();
                loop {
                    // The host may have opened the file when the call returns.
                    let kept = async move { std::mem::forget(open(directory).await) };
                    opening.push(started(kept).await);
                }
            }
            "list-all" => {
                let directory = directory();
                loop {
                    std::mem::forget(directory.read_directory());
                }
            }
            "list-again" => {
                let directory = directory();
                for _ in 0..2000 {
                    let (entries, end) = directory.read_directory();
                    entries.collect().await;
                    end.await.unwrap();
                    drop(open(directory).await.unwrap());
                }
            }
            "sockets" => {
                let told = format!(
                    "{:?} {:?} {:?}",
                    TcpSocket::create(IpAddressFamily::Ipv4).map(|_| ()),
                    UdpSocket::create(IpAddressFamily::Ipv6).map(|_| ()),
                    resolve_addresses("localhost".to_owned()).await.map(|_| ()),
                );
                let _ = print(told.into_bytes()).await;
            }
            // A body whose writer is lost, so that it has no end.
            "lost-body" => {
                let (writer, reader) = wit_stream::new();
                let (trailers, trailers_reader) = wit_future::new(|| Ok(None));
                std::mem::forget((writer, trailers));
                return Ok(Response::new(Fields::new(), Some(reader), trailers_reader).0);
            }
            "fields" => {
                let list: Vec<_> = (0..100_000).map(|i| (format!("x-{i}"), vec![])).collect();
                Fields::from_list(&list).unwrap();
            }
            "hold-fields" => loop {
                let fields = Fields::new();
                fields.append("x", &[b'x'; 100_000]).unwrap();
                std::mem::forget(fields);
            },
            "hold-paths" => {
                let path = "/x".repeat(30_000);
                loop {
                    let (trailers, trailers_reader) = wit_future::new(|| Ok(None));
                    let request = Request::new(Fields::new(), None, trailers_reader, None);
                    request.0.set_path_with_query(Some(&path)).unwrap();
                    std::mem::forget((trailers, request));
                }
            }
            "endless" => {
                let (mut writer, reader) = wit_stream::new();
                let (trailers, trailers_reader) = wit_future::new(|| Ok(None));
                drop(trailers);
                spawn_local(async move {
                    while writer.write_all(vec![b'x'; 65536]).await.is_empty() {}
                });
                return Ok(Response::new(Fields::new(), Some(reader), trailers_reader).0);
            }
            // 100 MB in one write.
            "print" => {
                let _ = print(vec![b'x'; 50_000_000]).await;
                let _ = print(vec![b'x'; 50_000_000]).await;
            }
            // The same, and what comes of it is not waited for.
            "print-and-go-on" => {
                spawn_local(async {
                    let _ = print(vec![b'x'; 50_000_000]).await;
                });
            }
            "print-for-ever" => loop {
                let _ = print(vec![b'x'; 50_000_000]).await;
            },
            _ => panic!("no such path"),
        }
        let (mut writer, reader) = wit_stream::new();
        let (trailers, trailers_reader) = wit_future::new(|| Ok(None));
        drop(trailers);
        spawn_local(async move {
            writer.write_all(b"good".to_vec()).await;
        });
        Ok(Response::new(Fields::new(), Some(reader), trailers_reader).0)
    }
}

/// The first directory that is granted.
fn directory() -> &'static Descriptor {
    Box::leak(Box::new(get_directories().remove(0).0))
}

async fn open(directory: &Descriptor) -> Result<Descriptor, FileError> {
    let flags = DescriptorFlags::READ;
    directory
        .open_at(
            PathFlags::empty(),
            ".".to_owned(),
            OpenFlags::empty(),
            flags,
        )
        .await
}

/// Writes all of it at once.
async fn print(bytes: Vec<u8>) -> Result<(), wasip3::cli::types::ErrorCode> {
    let (mut writer, reader) = wit_stream::new::<u8>();
    let written = wasip3::cli::stdout::write_via_stream(reader);
    writer.write_all(bytes).await;
    drop(writer);
    written.await
}

/// A future that was polled once.
async fn started<F: Future + 'static>(future: F) -> std::pin::Pin<Box<F>> {
    let mut future = Box::pin(future);
    std::future::poll_fn(|context| {
        let _ = future.as_mut().poll(context);
        std::task::Poll::Ready(())
    })
    .await;
    future
}
