//! `doorward health`: asks a running server whether it is ready, for containers without curl.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use reqwest::{Certificate, Client, redirect};
use serde_json::Value;
use url::Url;

use super::CommandError;
use crate::{
    config::{Config, ServeArguments},
    output::print,
    serve::listeners::{self, ListenerPlan, Purpose},
    tls::Tls,
};

/// Time limit of the question.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// `doorward health`.
#[derive(Debug, clap::Args)]
pub struct HealthArguments {
    #[command(flatten)]
    arguments: ServeArguments,
    /// Ask only whether the process answers, not whether it is ready.
    #[arg(long)]
    live: bool,
}

impl HealthArguments {
    /// Asks the management listener, or else the first one. The exit code is 1 if the answer is no.
    pub fn run(&self) -> Result<(), CommandError> {
        let config = self.arguments.load()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.ask(&config))
    }

    async fn ask(&self, config: &Config) -> Result<(), CommandError> {
        let plans = listeners::plan(config, &self.arguments.roles);
        let management = plans.iter().find(|plan| plan.purpose == Purpose::Management);
        let Some(plan) = management.or(plans.first()) else {
            return Err(CommandError::refused("no part is served: give --role"));
        };
        let path = if self.live { "/health/live" } else { "/health/ready" };
        let (url, client) = way_to(plan, config)?;
        let answer = client.get(format!("{url}{path}")).send().await;
        let answer = answer.map_err(|_| {
            CommandError::Missing(format!("nothing answers at {url}: is the server running?"))
        })?;
        let is_well = answer.status().is_success();
        let text = answer.text().await.unwrap_or_default();
        if is_well {
            print(text.trim_end());
            print("\n");
            return Ok(());
        }
        Err(CommandError::Missing(format!("not ready: {}", summary(&text))))
    }
}

/// The checks that failed, in one line.
fn summary(text: &str) -> String {
    let report: Value = serde_json::from_str(text).unwrap_or_default();
    let failed = report["checks"].as_object().into_iter().flatten();
    let failed: Vec<String> = failed
        .filter(|(_, outcome)| *outcome != "ok")
        .map(|(check, outcome)| format!("{check}: {}", outcome.as_str().unwrap_or_default()))
        .collect();
    failed.join("; ")
}

/// The listener's URL, and a client that reaches it on this machine, whatever its public name.
fn way_to(plan: &ListenerPlan, config: &Config) -> Result<(String, Client), CommandError> {
    let address = local(plan.listen.addresses().first().copied());
    let builder =
        Client::builder().timeout(TIME_LIMIT).redirect(redirect::Policy::none()).no_proxy();
    let is_plain = config.tls.certificate.is_none() || plan.purpose == Purpose::Management;
    if is_plain {
        let client = builder.build().map_err(CommandError::refused)?;
        return Ok((format!("http://{address}"), client));
    }
    let url = Url::parse(public_url(plan, config)).map_err(CommandError::refused)?;
    let host = url.host_str().unwrap_or("localhost").to_owned();
    let trusted = Tls::trusted(&config.tls, &config.sources)?;
    let trusted: Result<Vec<_>, _> = trusted.iter().map(|der| Certificate::from_der(der)).collect();
    let builder = builder.tls_certs_merge(trusted.map_err(CommandError::refused)?);
    let client = builder.resolve(&host, address).build().map_err(CommandError::refused)?;
    Ok((format!("https://{host}:{}", address.port()), client))
}

fn public_url<'a>(plan: &ListenerPlan, config: &'a Config) -> &'a str {
    if plan.key == "provider.listen" { &config.provider.settings.issuer } else { &config.app.url }
}

/// The address to connect to: a listener on all addresses is reached by the loopback address.
fn local(address: Option<SocketAddr>) -> SocketAddr {
    let mut address = address.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_all_addresses_is_reached_by_loopback() {
        let local = |text: &str| local(text.parse().ok()).to_string();
        assert_eq!(local("0.0.0.0:9001"), "127.0.0.1:9001");
        assert_eq!(local("[::]:9001"), "[::1]:9001");
        assert_eq!(local("192.0.2.1:9001"), "192.0.2.1:9001");
    }

    #[test]
    fn only_failed_checks_are_named() {
        let report = r#"{"ready":false,"checks":{"keys":"ok","database":"it can't be written"}}"#;
        assert_eq!(summary(report), "database: it can't be written");
        assert_eq!(summary("no JSON"), "");
    }
}
