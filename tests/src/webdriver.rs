//! The few WebDriver commands the browser tests need (W3C WebDriver, <https://www.w3.org/TR/webdriver2/>).
//!
//! Plain blocking JSON over loopback HTTP: no asynchronous runtime is compiled for a handful of requests.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// Key under which the standard puts an element's reference.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// One browser, closed when dropped.
#[derive(Debug)]
pub struct Session {
    agent: ureq::Agent,
    address: String,
}

impl Session {
    /// Opens a browser with the given capabilities through the driver at `driver` (`http://host:port`).
    pub fn open(driver: &str, capabilities: Value) -> Result<Self> {
        let agent = agent();
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let answer = send(&agent, "POST", &format!("{driver}/session"), Some(&body))
            .context("no browser")?;
        let id = answer["sessionId"]
            .as_str()
            .context("the driver gave no session")?;
        let session = Self {
            address: format!("{driver}/session/{id}"),
            agent,
        };
        // Scripts that wait are polled from here; nothing in the page may hold a request open for long.
        session.post("timeouts", json!({ "script": 60_000, "pageLoad": 120_000 }))?;
        Ok(session)
    }

    /// Loads a page and waits for its `load` event.
    pub fn goto(&self, url: &str) -> Result<()> {
        self.post("url", json!({ "url": url })).map(|_| ())
    }

    /// Runs a function body in the page; its `return` value comes back.
    pub fn execute(&self, script: &str, arguments: &[Value]) -> Result<Value> {
        self.post(
            "execute/sync",
            json!({ "script": script, "args": arguments }),
        )
    }

    /// Reference of the first element a CSS selector finds.
    pub fn find(&self, css: &str) -> Result<String> {
        let answer = self.post("element", json!({ "using": "css selector", "value": css }))?;
        answer[ELEMENT]
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("{css} gave no element"))
    }

    /// Whether a CSS selector finds anything.
    pub fn has(&self, css: &str) -> Result<bool> {
        Ok(self.execute(
            "return document.querySelector(arguments[0]) !== null",
            &[css.into()],
        )? == true)
    }

    /// Visible text of the first element a CSS selector finds.
    pub fn text(&self, css: &str) -> Result<String> {
        let element = self.find(css)?;
        let answer = self.request("GET", &format!("element/{element}/text"), None)?;
        Ok(answer.as_str().unwrap_or_default().to_owned())
    }

    /// Clicks the first element a CSS selector finds, as a user would.
    pub fn click(&self, css: &str) -> Result<()> {
        let element = self.find(css)?;
        self.post(&format!("element/{element}/click"), json!({}))
            .map(|_| ())
    }

    /// Chooses files in a file input.
    pub fn choose_files(&self, css: &str, files: &[&Path]) -> Result<()> {
        let element = self.find(css)?;
        let paths: Vec<_> = files.iter().map(|file| file.to_string_lossy()).collect();
        self.post(
            &format!("element/{element}/value"),
            json!({ "text": paths.join("\n") }),
        )
        .map(|_| ())
    }

    /// Types into the first element a CSS selector finds, as a user would.
    pub fn type_into(&self, css: &str, text: &str) -> Result<()> {
        let element = self.find(css)?;
        self.post(&format!("element/{element}/value"), json!({ "text": text }))
            .map(|_| ())
    }

    /// From now on, commands go to the document in a frame.
    pub fn enter_frame(&self, css: &str) -> Result<()> {
        let element = self.find(css)?;
        self.post("frame", json!({ "id": { ELEMENT: element } }))
            .map(|_| ())
    }

    /// From now on, commands go to the page itself again.
    pub fn leave_frame(&self) -> Result<()> {
        self.post("frame", json!({ "id": null })).map(|_| ())
    }

    /// What the page wrote to its console since the last call, one line an entry (Chromium).
    pub fn console(&self) -> Result<Vec<String>> {
        let answer = self.post("se/log", json!({ "type": "browser" }))?;
        let entries = answer.as_array().map(Vec::as_slice).unwrap_or_default();
        let line = |entry: &Value| {
            let text = |key: &str| entry[key].as_str().unwrap_or("?").to_owned();
            format!("{}: {}", text("level"), text("message"))
        };
        Ok(entries.iter().map(line).collect())
    }

    /// PNG of the visible page, as base64.
    pub fn screenshot(&self) -> Result<String> {
        Ok(self
            .request("GET", "screenshot", None)?
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// A command of Chromium's own protocol, such as emulating a phone.
    pub fn chromium(&self, command: &str, parameters: Value) -> Result<Value> {
        let body = json!({ "cmd": command, "params": parameters });
        self.post("goog/cdp/execute", body)
    }

    /// Sends keys to what has the focus.
    pub fn press(&self, keys: &str) -> Result<()> {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })))
            .collect();
        let body = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] });
        self.post("actions", body).map(|_| ())
    }

    fn post(&self, command: &str, body: Value) -> Result<Value> {
        self.request("POST", command, Some(&body))
    }

    fn request(&self, method: &str, command: &str, body: Option<&Value>) -> Result<Value> {
        send(
            &self.agent,
            method,
            &format!("{}/{command}", self.address),
            body,
        )
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The driver ends the browser with itself should this fail.
        let _ = send(&self.agent, "DELETE", &self.address, None);
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder();
    config
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(180)))
        .build()
        .into()
}

/// Sends one command; the `value` of its answer, or the driver's error.
fn send(agent: &ureq::Agent, method: &str, url: &str, body: Option<&Value>) -> Result<Value> {
    let mut response = match (method, body) {
        ("GET", _) => agent.get(url).call(),
        ("DELETE", _) => agent.delete(url).call(),
        (_, Some(body)) => agent
            .post(url)
            .content_type("application/json")
            .send(body.to_string()),
        (_, None) => agent.post(url).send_empty(),
    }
    .with_context(|| format!("{method} {url}"))?;
    let failed = !response.status().is_success();
    let text = response
        .body_mut()
        .with_config()
        .limit(64 << 20)
        .read_to_string()?;
    let answer: Value =
        serde_json::from_str(&text).with_context(|| format!("not JSON: {text:.200}"))?;
    let value = answer["value"].clone();
    if failed {
        let part = |key: &str| {
            value[key]
                .as_str()
                .unwrap_or_default()
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        bail!("{}: {}", part("error"), part("message"));
    }
    Ok(value)
}
