//! `Link` headers: what the page needs, and the browser would otherwise find out only from files
//! that it loads first (RFC 8288, HTML section 4.6.7).

use axum::http::{HeaderValue, header::LINK};
use doorward_app::config::CONFIG_PATH;
use leptos_axum::ResponseOptions;

use super::site::{Files, Site};

/// The part of the program that only the inspector needs.
const ON_DEMAND: &str = "split_inspector.wasm";
const WASM: &str = "application/wasm";
const MAIN: &str = "doorward_bg.wasm";

/// The headers of a site's pages.
#[derive(Debug)]
pub struct Preloads {
    always: Vec<HeaderValue>,
    /// For the page to which the provider sends the browser: it will use the client.
    at_callback: Vec<HeaderValue>,
}

impl Preloads {
    /// The headers for this site, whose pages connect to these origins. Nothing is known of the
    /// files of a folder, which change while the server runs.
    pub fn of(site: &Site, connect_origins: &[String]) -> Self {
        // The program reads it first of all.
        let mut always = Vec::from_iter(link(CONFIG_PATH, "preload; as=fetch; crossorigin"));
        let mut at_callback = Vec::new();
        for origin in connect_origins {
            always.extend(link(origin, "preconnect; crossorigin"));
        }
        if let Files::Embedded(site) = &site.files {
            let package = format!("/{}/", site.package);
            for file in site.files {
                let Some(name) = file.path.strip_prefix(&package) else {
                    continue;
                };
                if name == "__wasm_split.js" {
                    always.extend(link(file.path, "modulepreload"));
                } else if file.content_type == WASM && ![MAIN, ON_DEMAND].contains(&name) {
                    let wasm = format!("preload; as=fetch; type=\"{WASM}\"; crossorigin");
                    at_callback.extend(link(file.path, &wasm));
                }
            }
        }
        Self { always, at_callback }
    }

    /// Adds the headers to the response for a page with this query.
    pub fn add(&self, response: &ResponseOptions, query: Option<&str>) {
        // A response of the provider, or a sign-in that somebody else begins.
        let needs_client = query.is_some_and(|query| {
            query.split('&').any(|pair| pair.starts_with("state=") || pair.starts_with("iss="))
        });
        let at_callback = self.at_callback.iter().filter(|_| needs_client);
        for value in self.always.iter().chain(at_callback) {
            response.append_header(LINK, value.clone());
        }
    }
}

fn link(target: &str, relation: &str) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("<{target}>; rel={relation}")).ok()
}
