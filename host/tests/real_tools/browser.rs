//! A headless Chromium, driven by WebDriver: <https://www.w3.org/TR/webdriver2/>.

use std::fs;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lambda_wasm_test_support::program::Program;
use lambda_wasm_test_support::root;
use lambda_wasm_test_support::tools::tool;
use serde_json::{Value, json};

use crate::http::{delete, post};

/// A window of a browser. Dropping it ends the browser.
pub struct Browser {
    /// The URL of the session.
    session: String,
    _driver: Program,
}

impl Browser {
    /// Starts a browser with these arguments more, unless this machine has none.
    pub fn start(arguments: &[&str]) -> Option<Self> {
        let driver = tool("chromedriver")?;
        let mut driver = Program::start(Command::new(driver).arg("--port=0"));
        let line = driver.wait_for("started successfully on port ");
        let port = line.rsplit(' ').next().unwrap().trim_end_matches('.');
        let address = format!("http://127.0.0.1:{port}");
        // Without a sandbox, it runs as root and in containers. It opens only pages of these tests.
        let mut all = vec![
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--window-size=1280,800",
        ];
        all.extend(arguments);
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": all },
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "script": 30_000 },
        } } });
        let answer = post(&format!("{address}/session"), &capabilities.to_string());
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        let id = answer["value"]["sessionId"].as_str();
        let id = id.unwrap_or_else(|| panic!("no session: {answer}"));
        Some(Self {
            session: format!("{address}/session/{id}"),
            _driver: driver,
        })
    }

    #[track_caller]
    fn ask(&self, command: &str, parameters: &Value) -> Value {
        let url = format!("{}/{command}", self.session);
        let answer = post(&url, &parameters.to_string());
        let mut value: Value = serde_json::from_str(&answer.body).unwrap();
        let value = value["value"].take();
        assert_eq!(answer.status, 200, "{command}: {value}");
        value
    }

    /// Opens a page.
    #[track_caller]
    pub fn open(&self, url: &str) {
        self.ask("url", &json!({ "url": url }));
    }

    /// Returns the value of an expression in the page.
    #[track_caller]
    pub fn value(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        self.ask("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Returns the text of the first element that a selector of CSS has, as it is seen.
    #[track_caller]
    pub fn text(&self, selector: &str) -> String {
        let text = self.value(&format!("document.querySelector({selector:?}).innerText"));
        text.as_str().unwrap().to_owned()
    }

    /// Waits until an expression in the page is true, and returns it.
    #[track_caller]
    pub fn wait(&self, expression: &str) -> Value {
        let script = format!(
            "const done = arguments[0], until = performance.now() + 20000;
            const look = async () => {{
                let value;
                try {{ value = await ({expression}); }} catch {{ /* Not yet. */ }}
                if (value || performance.now() > until) done(value);
                else requestAnimationFrame(look);
            }};
            look();"
        );
        let value = self.ask("execute/async", &json!({ "script": script, "args": [] }));
        assert!(
            value != Value::Null && value != false && value != "" && value != 0,
            "not in time: {expression}\nthe page: {}",
            self.text("body")
        );
        value
    }

    /// Presses keys, one after the other. A key with a name is a character of its own:
    /// <https://www.w3.org/TR/webdriver2/#keyboard-actions>.
    #[track_caller]
    pub fn press(&self, keys: &str) {
        let press = |key: char| {
            let key = key.to_string();
            [
                json!({ "type": "keyDown", "value": key }),
                json!({ "type": "keyUp", "value": key }),
            ]
        };
        let actions: Vec<_> = keys.chars().flat_map(press).collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.ask("actions", &json!({ "actions": [keyboard] }));
    }

    /// Clicks on the first element that a selector of CSS has.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        let found = self.ask(
            "element",
            &json!({ "using": "css selector", "value": selector }),
        );
        let id = found.as_object().unwrap().values().next().unwrap();
        let id = id.as_str().unwrap();
        self.ask(&format!("element/{id}/click"), &json!({}));
    }

    /// Runs a command of the DevTools protocol.
    #[track_caller]
    pub fn devtools(&self, command: &str, parameters: &Value) {
        self.ask(
            "goog/cdp/execute",
            &json!({ "cmd": command, "params": parameters }),
        );
    }

    /// Returns the messages of the console since the last call: errors of scripts and requests, and breaches of the
    /// Content-Security-Policy.
    #[track_caller]
    pub fn console(&self) -> Vec<String> {
        let entries = self.ask("se/log", &json!({ "type": "browser" }));
        let entries = entries.as_array().unwrap().iter();
        entries
            .map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Keeps a picture of the window as `target/screenshots/NAME.png`.
    #[track_caller]
    pub fn screenshot(&self, name: &str) {
        let folder = root().join("target/screenshots");
        fs::create_dir_all(&folder).unwrap();
        // A GET, which has no parameters.
        let picture = crate::http::get(&format!("{}/screenshot", self.session));
        let picture: Value = serde_json::from_str(&picture.body).unwrap();
        let picture = STANDARD.decode(picture["value"].as_str().unwrap()).unwrap();
        assert!(picture.starts_with(b"\x89PNG"));
        fs::write(folder.join(format!("{name}.png")), picture).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        delete(&self.session);
    }
}
