//! The page of `lambda-wasm dev`, in a browser.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use lambda_wasm_test_support::{PATIENCE, full_bootstrap};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::dev::Dev;
use crate::dev_requests::printed;
use crate::http::{get, post, post_with};

const TEMPLATE: &str = r#"
Resources:
  Handler:
    Type: AWS::Serverless::Function
    Properties: { Handler: handler, Timeout: 1 }
  Api:
    Type: AWS::Serverless::Function
    Properties:
      Handler: api
      Environment: { Variables: { TABLE: !Ref Table } }
      Events:
        Get: { Type: Api, Properties: { Path: "/{name}", Method: any } }
  Web:
    Type: AWS::Serverless::Function
    Properties:
      Handler: web
      FunctionUrlConfig: { AuthType: NONE, InvokeMode: RESPONSE_STREAM }
"#;

const ENTER: &str = "\u{E007}";
const ESCAPE: &str = "\u{E00C}";

/// The functions, and the address of the URL of `Web`.
fn start() -> (Dev, String) {
    let functions = [
        ("handler", "handler", ""),
        ("api", "api", ""),
        ("web", "http_p2", "stream = true"),
    ];
    let dev = Dev::with(TEMPLATE, &functions, &["--json"]);
    let listening: Value = serde_json::from_str(&dev.listening).unwrap();
    assert_eq!(listening["page"], format!("{}/_lambda", dev.address));
    let url = listening["functions"][2]["url"].as_str().unwrap();
    (dev, url.trim_end_matches('/').to_owned())
}

/// A browser with the page, which knows as many invocations.
fn open(dev: &Dev) -> Option<Browser> {
    let browser = Browser::start(&[])?;
    browser.open(&format!("{}/_lambda", dev.address));
    browser.wait("document.querySelector('#connection').innerText === 'Connected'");
    Some(browser)
}

fn invoke(dev: &Dev, function: &str, event: &str) {
    let path = format!("/2015-03-31/functions/{function}/invocations");
    post(&format!("{}{path}", dev.address), event);
}

/// Waits until the first row has these texts in its cells, from the function on.
#[track_caller]
fn wait_for_row(browser: &Browser, texts: &[&str]) {
    let cells =
        "[...document.querySelector('#rows .row').children].map((cell) => cell.textContent)";
    browser.wait(&format!(
        "{cells}.slice(1, {}).join() === {:?}",
        1 + texts.len(),
        texts.join(",")
    ));
}

/// Waits until the details have a text.
#[track_caller]
fn wait_for_detail(browser: &Browser, text: &str) {
    browser.wait(&format!(
        "document.querySelector('#detail').innerText.includes({text:?})"
    ));
}

#[test]
fn invocations_appear_as_they_happen_and_have_their_details() {
    let (dev, web) = start();
    let Some(browser) = open(&dev) else { return };
    assert!(
        browser
            .text("#functions")
            .contains(&format!("ANY {}/{{name}}", dev.address))
    );
    assert!(browser.text("#notes").contains("TABLE"));
    assert_eq!(browser.text("#count"), "No invocations");
    get(&format!("{}/some?x=1", dev.address));
    wait_for_row(&browser, &["Api", "REST API", "GET /some", "200"]);
    get(&format!("{}/no/route", dev.address));
    wait_for_row(&browser, &["", "", "GET /no/route", "403"]);
    // The newest is the first, and the keys go from one to the next.
    browser.press("jj");
    wait_for_detail(&browser, "Api: GET /some 200");
    let event = browser.text("#detail .tree");
    assert!(
        event.contains("httpMethod: \"GET\"") && event.contains("queryStringParameters"),
        "{event}"
    );
    assert!(browser.text("#detail").contains("Until the response"));
    // A stream: its pieces with their times, and what it logs.
    get(&format!("{web}/chunks?n=3&size=4&pause=30"));
    wait_for_row(&browser, &["Web", "Function URL", "GET /chunks", "200"]);
    browser.press("kk");
    wait_for_detail(&browser, "aaaabbbbcccc");
    let pieces = browser.value(
        "[...document.querySelectorAll('#detail details tbody tr')].map((row) => [parseFloat(row.cells[0].textContent), row.cells[2].textContent])",
    );
    let texts: Vec<_> = pieces
        .as_array()
        .unwrap()
        .iter()
        .map(|piece| piece[1].as_str().unwrap())
        .collect();
    assert_eq!(
        texts[texts.len() - 3..],
        ["aaaa", "bbbb", "cccc"],
        "{pieces}"
    );
    let at = |index: usize| pieces[index][0].as_f64().unwrap();
    let last = texts.len() - 1;
    assert!(at(last) - at(last - 2) > 50.0, "{pieces}");
    get(&format!("{web}/print"));
    wait_for_row(&browser, &["Web", "Function URL", "GET /print", "200"]);
    browser.press("k");
    browser.wait("document.querySelector('#detail pre[aria-label=Log]').textContent.length > 0");
    // An image is shown, and markup is not run.
    let svg = r#"<svg xmlns="http://www.w3.org/2000/svg" width="7" height="5"/>"#;
    let send = |kind: &str, body: &str, number: &str| {
        let url = format!("{web}/echo-body");
        post_with(&url, &[("content-type", kind)], body);
        browser.wait(&format!(
            "document.querySelector('#rows .row').id === 'row-{number}'"
        ));
        browser.press("k");
    };
    send("image/svg+xml", svg, "5");
    browser.wait("document.querySelector('#detail img').naturalWidth === 7");
    let markup = "<b id=markup>bold</b><script>document.title = 'run'</script>";
    send("text/html", markup, "6");
    wait_for_detail(&browser, "<b id=markup>bold</b>");
    assert_eq!(browser.value("document.title"), "lambda-wasm dev");
    assert_eq!(
        browser.value("document.querySelector('#markup')"),
        Value::Null
    );
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn events_are_sent_again_edited_and_copied() {
    let (dev, _) = start();
    let Some(browser) = open(&dev) else { return };
    invoke(&dev, "Handler", "\"count\"");
    wait_for_row(&browser, &["Handler", "Invoke", "invoke", "200"]);
    browser.press("j");
    wait_for_detail(&browser, "Handler: invoke 200");
    browser.press("r");
    browser.wait("document.querySelector('#count').innerText === '2 invocations'");
    // The new one is shown.
    browser
        .wait("location.hash === '#2' && document.querySelector('#detail').dataset.number === '2'");
    wait_for_row(&browser, &["Handler", "Invoke", "event", "ok"]);
    browser.press("e");
    browser.wait("document.querySelector('#send-event').value === '\"count\"'");
    // Text that is not JSON is refused with its place.
    browser.value("document.querySelector('#send-event').value = '{'");
    browser.click("#send-now");
    browser.wait(
        "document.querySelector('#send-problem').innerText.startsWith('The event is not JSON')",
    );
    browser.value("document.querySelector('#send-event').value = '\"echo\"'");
    browser.click("#send-now");
    browser.wait("document.querySelector('#detail').dataset.number === '3'");
    browser.wait("!document.querySelector('#send').open");
    // A sample of an event source.
    browser.press("n");
    browser.value("(() => { const list = document.querySelector('#send-sample'); list.value = 'sqs'; list.dispatchEvent(new Event('input')); })()");
    browser.wait("document.querySelector('#send-event').value.includes('aws:sqs')");
    browser.click("#send-now");
    wait_for_row(&browser, &["Handler", "SQS", "2 records"]);
    browser.devtools(
        "Browser.grantPermissions",
        &json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] }),
    );
    browser.wait("document.querySelector('#detail').dataset.number === '4'");
    for (key, copied) in [
        ("c", "curl "),
        ("i", "printf %s "),
        ("t", "{\n  \"test\": ["),
    ] {
        browser.press(key);
        let copy = browser.wait(&format!(
            "navigator.clipboard.readText().then((text) => text.startsWith({copied:?}) && text)"
        ));
        assert!(copy.as_str().unwrap().contains("aws:sqs"), "{copy}");
    }
    browser.press(ESCAPE);
    browser.wait("document.querySelector('#detail').hidden");
    // Filters.
    browser.press("/sqs");
    browser.wait("document.querySelector('#count').innerText === '1 of 4 invocations'");
    browser.press("x");
    browser
        .wait("document.querySelector('#empty').innerText === 'No invocation matches the filter.'");
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn failures_have_their_cause_and_the_next_step() {
    let (mut dev, web) = start();
    let Some(browser) = open(&dev) else { return };
    let failed = |texts: &[&str], details: &[&str]| {
        wait_for_row(&browser, texts);
        browser.press("k");
        browser.press(ENTER);
        for detail in details {
            wait_for_detail(&browser, detail);
        }
    };
    get(&format!("{}/fail", dev.address));
    browser.press("j");
    failed(
        &["Api", "REST API", "GET /fail", "502"],
        &["Refused", "by the function"],
    );
    invoke(&dev, "Handler", "\"loop\"");
    failed(
        &["Handler", "Invoke", "invoke", "failed"],
        &["Function.Timeout", "Next step: ", "handle"],
    );
    get(&format!("{web}/trap"));
    failed(
        &["Web", "Function URL", "GET /trap", "502"],
        &["Function.Trap", "Next step: "],
    );
    get(&format!("{}/bad-header", dev.address));
    failed(&["Api", "REST API", "GET /bad-header", "502"], &["X-Bad"]);
    // The state selects them.
    browser.value("(() => { const list = document.querySelector('#state'); list.value = 'failed'; list.dispatchEvent(new Event('input')); })()");
    assert_eq!(browser.text("#count"), "4 invocations");
    assert_eq!(browser.console(), Vec::<String>::new());
    dev.program.signal(rustix::process::Signal::TERM);
    browser
        .wait("document.querySelector('#connection').innerText.startsWith('dev does not answer')");
    browser.press("r");
    browser.wait("document.querySelector('#said').innerText !== ''");
    dev.program.wait_for("report");
}

/// Reads the stream of changes until it has this text, from a connection that knows the changes up to an id.
fn changes(dev: &Dev, known: &str, text: &str) -> String {
    let host = dev.address.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let known = match known {
        "" => String::new(),
        known => format!("Last-Event-ID: {known}\r\n"),
    };
    let request = format!("GET /_lambda/changes HTTP/1.1\r\nHost: {host}\r\n{known}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let (mut seen, mut piece) = (String::new(), [0; 4096]);
    while !seen.contains(text) {
        let length = stream.read(&mut piece).unwrap();
        assert_ne!(length, 0, "{seen}");
        seen += &String::from_utf8_lossy(&piece[..length]);
    }
    seen
}

#[test]
fn a_page_that_connects_again_gets_what_it_has_missed() {
    let (dev, _) = start();
    let seen = changes(&dev, "", "data: ");
    let (_, id) = seen.split_once("id: ").unwrap();
    let id = id.lines().next().unwrap();
    get(&format!("{}/missed", dev.address));
    changes(&dev, id, "GET /missed");
    // Another run of dev has other numbers.
    let seen = changes(&dev, "another 9", "data: ");
    assert!(seen.contains("event: all"), "{seen}");
    // An event may be as large as Lambda takes it.
    let event = json!({ "function": "Handler", "event": format!("{:?}", "x".repeat(5_000_000)) });
    let url = format!("{}/_lambda/invocations", dev.address);
    let json = [("content-type", "application/json")];
    assert_eq!(post_with(&url, &json, &event.to_string()).status, 202);
}

/// Returns the origin of a server that has nothing to say.
fn origin() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        }
    });
    origin
}

#[test]
fn outgoing_requests_are_told_with_their_end() {
    let origin = origin();
    let template = "Resources: { Web: { Type: AWS::Serverless::Function, Properties: { Handler: web, FunctionUrlConfig: { AuthType: NONE } } } }";
    let policy = format!("[http]\nallow = [{origin:?}]\n");
    let args = ["--json", "--bootstrap"].map(str::to_owned);
    let bootstrap = full_bootstrap().display().to_string();
    let args: Vec<_> = args
        .iter()
        .map(String::as_str)
        .chain([&*bootstrap])
        .collect();
    let dev = Dev::with(template, &[("web", "http_p2", &policy)], &args);
    let listening: Value = serde_json::from_str(&dev.listening).unwrap();
    let web = listening["functions"][0]["url"].as_str().unwrap();
    let Some(browser) = open(&dev) else { return };
    get(&format!("{web}outbound?url={origin}/some/path?secret=1"));
    wait_for_row(&browser, &["Web", "Function URL", "GET /outbound", "200"]);
    browser.press("j");
    let request = format!("GET {origin}/some/path\t204\t");
    wait_for_detail(&browser, &request);
    // Its bar is beside those of the invocation.
    wait_for_detail(&browser, &format!("GET {origin}/some/path\n"));
    get(&format!("{web}outbound?url=http://elsewhere.example/x"));
    browser.wait("document.querySelector('#rows .row').id === 'row-2'");
    browser.press("k");
    wait_for_detail(
        &browser,
        "GET http://elsewhere.example/x\tdenied: to allow it, add \"http://elsewhere.example\" to `allow` under [http] in ",
    );
    let text = browser.text("#detail");
    assert!(!text.contains("GET /some"), "{text}");
    assert_eq!(browser.console(), Vec::<String>::new());
}

#[test]
fn a_signed_request_is_told_with_its_service() {
    let origin = origin();
    let template = "Resources: { Web: { Type: AWS::Serverless::Function, Properties: { Handler: web, FunctionUrlConfig: { AuthType: NONE } } } }";
    let policy = format!("[http]\nallow = [{origin:?}]\n[aws]\nsign = [\"dynamodb\"]\n");
    let bootstrap = full_bootstrap().display().to_string();
    let args = ["--json", "--aws", "--bootstrap", &bootstrap];
    let variables = [
        ("AWS_ENDPOINT_URL_DYNAMODB", &*origin),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "eu-west-1"),
    ];
    let dev = Dev::with_variables(template, &[("web", "http_p2", &policy)], &args, &variables);
    let listening: Value = serde_json::from_str(&dev.listening).unwrap();
    let web = listening["functions"][0]["url"].as_str().unwrap();
    let Some(browser) = open(&dev) else { return };
    get(&format!("{web}outbound?url={origin}/"));
    wait_for_row(&browser, &["Web", "Function URL", "GET /outbound", "200"]);
    browser.press("j");
    wait_for_detail(&browser, "for dynamodb");
}

/// Serves a page that tries to invoke functions of another address and to read from it. Its title is `done` in the end.
fn hostile_page(target: &str) -> u16 {
    let page = format!(
        r#"<!doctype html><title>-</title><pre></pre><form method=post enctype="text/plain" target=frame></form><iframe name=frame></iframe><script>
        const paths = ["/_lambda/invocations", "/2015-03-31/functions/Handler/invocations"];
        const read = ["/_lambda", "/_lambda/functions", "/_lambda/invocations/1", ...paths];
        const seen = [];
        const body = JSON.stringify({{ function: "Handler", event: "\"count\"" }});
        (async () => {{
            for (const path of paths) for (const options of [
                {{ mode: "no-cors", body }},
                {{ mode: "cors", body, headers: {{ "content-type": "application/json" }} }},
            ]) await fetch("{target}" + path, {{ method: "POST", ...options }}).catch(() => {{}});
            for (const path of read) await fetch("{target}" + path).then(async (response) => seen.push(await response.text()), () => {{}});
            const form = document.querySelector("form");
            form.action = "{target}" + paths[1];
            const posted = new Promise((loaded) => document.querySelector("iframe").onload = loaded);
            form.submit();
            await posted;
            document.querySelector("pre").textContent = seen.join("\n");
            document.title = "done";
        }})();
        </script>"#
    );
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, page) = (stream.unwrap(), page.clone());
            // A browser may open connections that it does not use.
            std::thread::spawn(move || {
                if !matches!(stream.read(&mut [0; 4096]), Ok(1..)) {
                    return;
                }
                let length = page.len();
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                );
                let _ = stream.write_all(format!("{head}{page}").as_bytes());
            });
        }
    });
    port
}

#[test]
fn a_page_of_another_site_neither_reads_nor_invokes() {
    let (dev, _) = start();
    let rules = "--host-resolver-rules=MAP evil.example 127.0.0.1";
    let Some(browser) = Browser::start(&[rules]) else {
        return;
    };
    let port = hostile_page(&dev.address);
    // The second is of the same site for a browser, which does not look at the port.
    for host in ["evil.example", "127.0.0.1"] {
        browser.open(&format!("http://{host}:{port}/"));
        browser.wait("document.title === 'done'");
        assert_eq!(browser.text("pre"), "");
    }
    // DNS rebinding: the page has the host of the attacker, and the address of `dev`.
    let port = dev.address.rsplit_once(':').unwrap().1;
    for path in ["_lambda", "_lambda/functions", "_lambda/changes", "some"] {
        browser.open(&format!("http://evil.example:{port}/{path}"));
        let text = browser.text("body");
        assert!(text.contains("it is for the host evil.example"), "{text}");
    }
    let printed = printed(dev);
    assert!(
        !printed.contains("\"function\":\"Handler\",\"metrics\""),
        "{printed}"
    );
}

/// The texts in the window whose contrast is under 4.5, which WCAG 2.2 asks for (1.4.3), and the fields without a name.
const UNREADABLE: &str = r#"(() => {
    const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
    const back = (element) => {
        for (; element; element = element.parentElement) {
            const colour = numbers(getComputedStyle(element).backgroundColor);
            if (colour[3] !== 0) return colour;
        }
    };
    const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const contrast = (element) => {
        const [a, b] = [light(numbers(getComputedStyle(element).color)), light(back(element))].sort((a, b) => b - a);
        return (a + 0.05) / (b + 0.05);
    };
    const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const texts = [...document.querySelectorAll("body *:not(option)")].filter((element) => hasText(element) && element.checkVisibility());
    const fields = [...document.querySelectorAll("input, select, textarea, button")];
    return [
        ...texts.filter((element) => contrast(element) < 4.5).map((element) => `${element.outerHTML}: ${contrast(element)}`),
        ...fields.filter((field) => !field.labels?.length && !field.ariaLabel && !field.textContent.trim()).map((field) => field.outerHTML),
        ...(document.documentElement.scrollWidth > innerWidth ? ["wider than the window"] : []),
        ...(texts.length < 20 ? [`only ${texts.length} texts`] : []),
    ];
})()"#;

#[test]
fn it_is_readable_in_light_and_dark_and_on_a_phone() {
    let (dev, web) = start();
    let Some(browser) = open(&dev) else { return };
    get(&format!("{}/some?x=1", dev.address));
    get(&format!("{}/fail", dev.address));
    get(&format!("{web}/chunks?n=3&size=4&pause=30"));
    get(&format!("{web}/none"));
    get(&format!("{}/no/route", dev.address));
    invoke(&dev, "Handler", "\"fail\"");
    wait_for_row(&browser, &["Handler", "Invoke", "invoke", "failed"]);
    let scheme = |scheme: &str| {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        browser.devtools(
            "Emulation.setEmulatedMedia",
            &json!({ "features": features }),
        );
    };
    let is_readable = |picture: &str| {
        browser.screenshot(picture);
        assert_eq!(browser.value(UNREADABLE), json!([]), "{picture}");
    };
    browser.press("j");
    wait_for_detail(&browser, "at the guest");
    scheme("light");
    is_readable("light");
    scheme("dark");
    is_readable("dark");
    browser.press("jjj");
    wait_for_detail(&browser, "aaaabbbbcccc");
    is_readable("dark-stream");
    browser.press("n");
    browser.wait("document.querySelector('#send').open");
    is_readable("dark-send");
    browser.press(ESCAPE);
    let phone = json!({ "width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": true });
    browser.devtools("Emulation.setDeviceMetricsOverride", &phone);
    browser.open(&format!("{}/_lambda", dev.address));
    wait_for_row(&browser, &["Handler", "Invoke", "invoke", "failed"]);
    is_readable("phone");
    browser.click("#rows .row");
    browser.wait("Math.abs(document.querySelector('#detail').getBoundingClientRect().top) < 2 || scrollY > 100");
    is_readable("phone-detail");
    // The first key leads past the head of the page.
    browser.open(&format!("{}/_lambda?", dev.address));
    browser.press("\u{E004}");
    assert_eq!(browser.value("document.activeElement.className"), "skip");
    let size: usize = ["", "/page.js", "/page.css", "/icon.svg"]
        .map(|path| get(&format!("{}/_lambda{path}", dev.address)).body.len())
        .iter()
        .sum();
    eprintln!("the page has {size} bytes");
    assert!(size < 100_000, "{size}");
}

#[test]
fn ten_thousand_invocations_do_not_slow_it_down() {
    const COUNT: usize = 10_000;
    let (dev, _) = start();
    let Some(browser) = open(&dev) else { return };
    let url = format!("{}/some", dev.address);
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| (0..COUNT / 4).for_each(|_| assert_eq!(get(&url).status, 200)));
        }
    });
    browser.wait(&format!(
        "document.querySelector('#count').innerText === '{COUNT} invocations'"
    ));
    browser.open(&format!("{}/_lambda", dev.address));
    let took = browser.wait(&format!(
        "document.querySelector('#count').innerText === '{COUNT} invocations' && document.querySelector('#rows .row') && performance.now()"
    ));
    eprintln!("{COUNT} invocations are shown {took} ms after the page was asked for");
    assert!(took.as_f64().unwrap() < 5000.0, "{took}");
    let rows = browser.value("document.querySelectorAll('#rows .row').length");
    assert!(rows.as_u64().unwrap() < 100, "{rows}");
    // The last one is where the scroll bar ends.
    browser.value("document.querySelector('#grid').scrollTop = 1e9");
    browser.wait("document.querySelector('#row-1')");
    let one_more = browser.value("performance.now()");
    get(&url);
    let shown = browser.wait(&format!(
        "document.querySelector('#count').innerText === '{COUNT} invocations' && performance.now()"
    ));
    assert!(shown.as_f64().unwrap() - one_more.as_f64().unwrap() < 5000.0);
}
