//! A web server for the two documents of a transmitter under trial: its JWKS and its configuration.
//!
//! In a product these are routes of your own web server, behind TLS.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use axum::{Router, http::header, routing::get};
use serde_json::json;

/// Where the configuration of an issuer without a path is (SSF 1.0 §7.2).
const CONFIGURATION: &str = "/.well-known/ssf-configuration";

/// The documents of a transmitter, served on the loopback interface until this is dropped.
#[derive(Debug)]
pub struct Published {
    issuer: String,
    jwks_uri: String,
    configuration: String,
    server: tokio::task::JoinHandle<()>,
}

impl Published {
    /// Serves `jwks`, a document in JSON, and the configuration that names it, at a free port.
    ///
    /// # Errors
    /// Where no port is free.
    pub async fn start(jwks: impl Into<String>) -> io::Result<Self> {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), jwks).await
    }

    /// The same at an address of your choice, which has to be of the loopback interface.
    ///
    /// # Errors
    /// Where the address is another machine's, or taken.
    pub async fn start_at(listen: SocketAddr, jwks: impl Into<String>) -> io::Result<Self> {
        if !listen.ip().is_loopback() {
            return Err(io::Error::other("only loopback addresses: this server is for trials"));
        }
        let listener = tokio::net::TcpListener::bind(listen).await?;
        let issuer = format!("http://{}", listener.local_addr()?);
        let jwks_uri = format!("{issuer}/jwks.json");
        let configuration = format!("{issuer}{CONFIGURATION}");
        let document = json!({
            "spec_version": "1_0",
            "issuer": issuer,
            "jwks_uri": jwks_uri,
            "delivery_methods_supported": ["urn:ietf:rfc:8935"],
        });

        let json = |body: String| get(|| async { ([(header::CONTENT_TYPE, "application/json")], body) });
        let routes = Router::new()
            .route("/jwks.json", json(jwks.into()))
            .route(CONFIGURATION, json(document.to_string()));
        let server = tokio::spawn(async move {
            // It ends when the task does; an error of a single connection does not end it.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { issuer, jwks_uri, configuration, server })
    }

    /// The issuer: the address of the server, over plain http, which no real receiver would take.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Where the JWKS is.
    pub fn jwks_uri(&self) -> &str {
        &self.jwks_uri
    }

    /// Where the transmitter configuration is.
    pub fn configuration(&self) -> &str {
        &self.configuration
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        self.server.abort();
    }
}
