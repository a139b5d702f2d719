//! A bare Runtime API loop on one TCP connection, with no HTTP library: it takes each event and answers the same hello
//! without looking at it.

use std::{
    env,
    error::Error,
    io::{Read, Write},
    net::TcpStream,
};

const ANSWER: &str =
    r#"{"statusCode":200,"headers":{"Content-Type":"text/plain"},"body":"Hello, developer!\n"}"#;

/// The header that names an invocation, as Lambda writes it.
const REQUEST_ID: &str = "lambda-runtime-aws-request-id";

fn main() -> Result<(), Box<dyn Error>> {
    let api = env::var("AWS_LAMBDA_RUNTIME_API")?;
    let mut stream = TcpStream::connect(&api)?;
    stream.set_nodelay(true)?;
    let next = format!("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: {api}\r\n\r\n");
    let mut buffer = vec![0; 8 * 1024 * 1024];
    loop {
        stream.write_all(next.as_bytes())?;
        let head = receive(&mut stream, &mut buffer)?;
        let id = header(head, REQUEST_ID).ok_or("the event has no request id")?;
        let answer = format!(
            "POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nHost: {api}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{ANSWER}",
            ANSWER.len()
        );
        stream.write_all(answer.as_bytes())?;
        receive(&mut stream, &mut buffer)?;
    }
}

/// Reads a response to the end of its body, and gives its head.
fn receive<'a>(stream: &mut TcpStream, buffer: &'a mut [u8]) -> Result<&'a str, Box<dyn Error>> {
    const END: &[u8] = b"\r\n\r\n";
    let mut filled = 0;
    let body = loop {
        let count = stream.read(&mut buffer[filled..])?;
        if count == 0 {
            return Err("Lambda closed the connection".into());
        }
        let unseen = filled.saturating_sub(END.len() - 1);
        filled += count;
        let end = buffer[unseen..filled]
            .windows(END.len())
            .position(|window| window == END);
        if let Some(end) = end {
            break unseen + end + END.len();
        }
    };
    let head = str::from_utf8(&buffer[..body])?;
    let length = header(head, "content-length").ok_or("a response without a Content-Length")?;
    let end = body + length.parse::<usize>()?;
    if end > filled {
        stream.read_exact(&mut buffer[filled..end])?;
    }
    Ok(str::from_utf8(&buffer[..body])?)
}

/// The value of a header.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    let found = headers.find(|(found, _)| found.eq_ignore_ascii_case(name))?;
    Some(found.1.trim())
}
