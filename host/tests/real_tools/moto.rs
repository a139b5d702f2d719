//! moto, which stands in for AWS's services, and what was sent to it.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use lambda_wasm_test_support::Request;
use lambda_wasm_test_support::program::Program;
use lambda_wasm_test_support::tools::tool;
use serde_json::{Value, json};

use crate::http::{Answer, get_bytes, get_with, post, post_with, put};

/// A moto that runs until the test is over, behind something that records.
pub struct Moto {
    _program: Program,
    address: SocketAddr,
    recorded: Recorded,
}

/// What each connection brought.
type Recorded = Arc<Mutex<Vec<Vec<u8>>>>;

/// Credentials as Lambda gives them to a function: of a role, for a session.
pub struct Credentials {
    pub key: String,
    pub secret: String,
    pub token: String,
}

impl Moto {
    /// None if there is no such tool here.
    pub fn start() -> Option<Self> {
        let mut program =
            Program::start(Command::new(tool("moto_server")?).args(["-H", "127.0.0.1", "-p", "0"]));
        let line = program.wait_for("Running on http://");
        let (_, address) = line.split_once("http://").unwrap();
        let address = address.trim().parse().unwrap();
        let recorded = Arc::default();
        Some(Self {
            address: record(address, Arc::clone(&recorded)),
            _program: program,
            recorded,
        })
    }

    /// Where it is, for the function.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes a table whose key is a text of this name.
    pub fn create_table(&self, table: &str, key: &str) {
        let table = json!({
            "TableName": table,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{ "AttributeName": key, "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": key, "KeyType": "HASH" }],
        });
        let target = ("x-amz-target", "DynamoDB_20120810.CreateTable");
        self.ask("dynamodb", &[target], &table.to_string());
    }

    /// Makes a role that may do everything.
    pub fn create_role(&self, name: &str) {
        let everything = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
        let role = [
            ("Action", "CreateRole"),
            ("RoleName", name),
            ("AssumeRolePolicyDocument", everything),
        ];
        self.ask_form("iam", &role);
        let policy = [
            ("Action", "PutRolePolicy"),
            ("RoleName", name),
            ("PolicyName", "everything"),
            ("PolicyDocument", everything),
        ];
        self.ask_form("iam", &policy);
    }

    /// Credentials of a role that may do everything.
    pub fn session(&self) -> Credentials {
        self.create_role("function");
        let session = [
            ("Action", "AssumeRole"),
            ("RoleArn", "arn:aws:iam::123456789012:role/function"),
            ("RoleSessionName", "session"),
        ];
        let session = self.ask_form("sts", &session);
        let field = |name: &str| {
            let (_, rest) = session.split_once(&format!("<{name}>")).unwrap();
            rest.split_once('<').unwrap().0.to_owned()
        };
        self.recorded.lock().unwrap().clear();
        Credentials {
            key: field("AccessKeyId"),
            secret: field("SecretAccessKey"),
            token: field("SessionToken"),
        }
    }

    /// Has every request checked from here on: it computes each signature by itself, as AWS does. Of S3's it cannot where
    /// the path is encoded: it decodes that first.
    pub fn check_signatures(&self) {
        let reset = format!("{}/moto-api/reset-auth", self.url());
        assert_eq!(post(&reset, "0").status, 200);
        self.recorded.lock().unwrap().clear();
    }

    /// Makes a queue, whose messages come again after a second if they are not deleted.
    pub fn create_queue(&self, name: &str) {
        let queue = [
            ("Action", "CreateQueue"),
            ("QueueName", name),
            ("Attribute.1.Name", "VisibilityTimeout"),
            ("Attribute.1.Value", "1"),
        ];
        self.ask_form("sqs", &queue);
    }

    /// Sends a message to a queue.
    pub fn send_message(&self, queue: &str, body: &str) {
        let url = format!("{}/123456789012/{queue}", self.url());
        let message = [
            ("Action", "SendMessage"),
            ("QueueUrl", &url),
            ("MessageBody", body),
        ];
        self.ask_form("sqs", &message);
    }

    /// Returns how many messages a queue has, received or not.
    pub fn messages(&self, queue: &str) -> usize {
        let url = format!("{}/123456789012/{queue}", self.url());
        let asked = [
            ("Action", "GetQueueAttributes"),
            ("QueueUrl", &url),
            ("AttributeName.1", "All"),
        ];
        let answer = self.ask_form("sqs", &asked);
        let value = |name: &str| {
            let (_, rest) = answer.split_once(&format!("<Name>{name}</Name>")).unwrap();
            let (_, rest) = rest.split_once("<Value>").unwrap();
            let number: usize = rest.split_once('<').unwrap().0.parse().unwrap();
            number
        };
        value("ApproximateNumberOfMessages") + value("ApproximateNumberOfMessagesNotVisible")
    }

    fn ask_form(&self, service: &str, form: &[(&str, &str)]) -> String {
        let mut encoded = form_urlencoded::Serializer::new(String::new());
        encoded.extend_pairs(form);
        let form = ("content-type", "application/x-www-form-urlencoded");
        self.ask(service, &[form], &encoded.finish())
    }

    /// The answer to a request that nothing is checked of yet.
    fn ask(&self, service: &str, headers: &[(&str, &str)], body: &str) -> String {
        let authorization = authorization(service);
        let headers = [headers, &[("authorization", authorization.as_str())]].concat();
        let answer = post_with(&self.url(), &headers, body);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    /// What Lambda answers to a GET of this path.
    pub fn get(&self, path: &str) -> Answer {
        let url = format!("{}{path}", self.url());
        get_with(&url, &[("authorization", &authorization("lambda"))])
    }

    /// The bytes of an object in S3, by its path.
    pub fn object(&self, path: &str) -> Vec<u8> {
        get_bytes(&format!("{}{path}", self.url()), &authorization("s3"))
    }

    /// Makes a bucket, by its path.
    pub fn put(&self, path: &str) -> Answer {
        put(&format!("{}{path}", self.url()))
    }

    /// The JSON that Lambda answers to a GET of this path.
    pub fn get_json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).body).unwrap()
    }

    /// What was sent to it since then, connection by connection.
    pub fn requests(&self) -> Vec<Request> {
        let recorded = self.recorded.lock().unwrap();
        recorded.iter().flat_map(|bytes| split(bytes)).collect()
    }

    /// Whether this text was sent to it, wherever.
    pub fn was_sent(&self, text: &str) -> bool {
        let recorded = self.recorded.lock().unwrap();
        let mut connections = recorded.iter();
        connections.any(|bytes| find(bytes, text.as_bytes()).is_some())
    }
}

/// A header in which moto looks for the service.
fn authorization(service: &str) -> String {
    let scope = format!("20260101/eu-central-1/{service}/aws4_request");
    format!("AWS4-HMAC-SHA256 Credential=nobody/{scope}")
}

/// The requests of a connection.
fn split(mut bytes: &[u8]) -> Vec<Request> {
    let mut requests = Vec::new();
    while let Some(end) = find(bytes, b"\r\n\r\n") {
        let head = str::from_utf8(&bytes[..end + 2]).unwrap();
        let (line, headers) = head.split_once("\r\n").unwrap();
        let fields = headers.lines().filter_map(|line| line.split_once(':'));
        let length = fields
            .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map(|(_, value)| value.trim().parse().unwrap())
            .next();
        let (body, rest) = bytes[end + 4..].split_at(length.unwrap_or(0));
        requests.push(Request {
            line: line.to_owned(),
            headers: headers.to_owned(),
            body: body.to_vec(),
        });
        bytes = rest;
    }
    assert!(bytes.is_empty(), "{}", String::from_utf8_lossy(bytes));
    requests
}

fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|part| part == text)
}

/// Passes connections on, and keeps what clients send. It ends with the test's process.
fn record(to: SocketAddr, recorded: Recorded) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let server = TcpStream::connect(to).unwrap();
            let recorded = Arc::clone(&recorded);
            let (requests, answers) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || {
                let mut place = None;
                copy(requests, server, |bytes| {
                    let mut recorded = recorded.lock().unwrap();
                    let place = *place.get_or_insert_with(|| {
                        recorded.push(Vec::new());
                        recorded.len() - 1
                    });
                    recorded[place].extend_from_slice(bytes);
                });
            });
            thread::spawn(move || copy(answers, client, |_| ()));
        }
    });
    address
}

/// Until one of the two ends, which the other learns.
fn copy(mut from: TcpStream, mut to: TcpStream, mut seen: impl FnMut(&[u8])) {
    let mut piece = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        seen(&piece[..length]);
        if to.write_all(&piece[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
