//! The parts of a URL (RFC 3986), and no more. A full URL parser would be larger than the rest of
//! the client.

/// Scheme, host and port of an http or https URL. `None` for other URLs and URLs with user
/// information.
pub(crate) fn origin(url: &str) -> Option<&str> {
    let scheme_end = if url.starts_with("https://") {
        8
    } else if url.starts_with("http://") {
        7
    } else {
        return None;
    };
    let authority_end =
        url[scheme_end..].find(['/', '?', '#', '\\']).map_or(url.len(), |end| end + scheme_end);
    let authority = &url[scheme_end..authority_end];
    let readable = !authority.is_empty()
        && !authority.contains('@')
        && url.bytes().all(|byte| byte > b' ' && byte != 0x7f);
    readable.then(|| &url[..authority_end])
}

/// Whether nobody on the network can read or change what is sent to this URL: it is https, or on
/// this device.
pub(crate) fn is_protected(url: &str) -> bool {
    let Some(origin) = origin(url) else {
        return false;
    };
    let Some(authority) = origin.strip_prefix("http://") else {
        return true;
    };
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.ends_with(".localhost") || host == "::1" || is_ipv4_loopback(host)
}

/// `127.` and three more numbers. Browsers have normalized other spellings already.
fn is_ipv4_loopback(host: &str) -> bool {
    let mut parts = host.split('.');
    parts.next() == Some("127")
        && parts.clone().count() == 3
        && parts.all(|part| {
            (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        })
}

/// The part before the query, the query, and the fragment, without `?` and `#`.
pub(crate) fn split(url: &str) -> (&str, Option<&str>, Option<&str>) {
    let (rest, fragment) = match url.split_once('#') {
        Some((rest, fragment)) => (rest, Some(fragment)),
        None => (url, None),
    };
    match rest.split_once('?') {
        Some((path, query)) => (path, Some(query), fragment),
        None => (rest, None, fragment),
    }
}

/// Names and values, encoded for a query or a form.
pub(crate) fn encoded(pairs: &[(&str, &str)]) -> String {
    doorward_protocol::params::encode(pairs.iter().copied())
}

/// Appends encoded parameters to the query of a URL. Existing parameters are kept (RFC 6749 section
/// 3.1).
pub(crate) fn with_query(url: &str, added: &str) -> String {
    let (path, query, _) = split(url);
    match query {
        None | Some("") => [path, "?", added].concat(),
        Some(query) => [path, "?", query, "&", added].concat(),
    }
}
