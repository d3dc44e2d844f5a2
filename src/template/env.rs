//! The world as templates may see it. Nothing else in this room touches a clock, randomness, a network or a cluster.

/// Changes rendered manifests: takes all of them and gives back what is to be used, or why it cannot.
pub type PostRender = dyn Fn(&str) -> Result<String, String> + Send + Sync;

/// Everything a rendering may ask of the world; the caller decides what stands behind it.
pub trait Env {
    /// The present, in nanoseconds since 1970.
    fn now(&self) -> i128;
    /// The local time zone, as an IANA name or empty for UTC.
    fn zone(&self) -> String {
        String::new()
    }
    /// Fills a buffer with random bytes fit for keys.
    fn random(&self, buffer: &mut [u8]);
    /// `lookup`: the object, the list where `name` is empty, or an empty map where there is none or no cluster.
    ///
    /// # Errors
    /// What the server says, other than "not found".
    fn lookup(
        &self,
        _api_version: &str,
        _kind: &str,
        _namespace: &str,
        _name: &str,
    ) -> Result<serde_json::Value, String> {
        Ok(serde_json::Value::Object(serde_json::Map::new()))
    }
    /// `getHostByName`: an address, or nothing where name resolution is off.
    fn host_address(&self, _name: &str) -> String {
        String::new()
    }
    /// The text of a JSON Schema that a chart's schema refers to, by its URL: `file:`, `http:` or `https:`.
    ///
    /// # Errors
    /// Why it cannot be had.
    fn schema(&self, url: &str) -> Result<String, String> {
        Err(format!("{url} cannot be loaded here"))
    }
    /// What changes the manifests after the templates, if anything does.
    fn post_renderer(&self) -> Option<&PostRender> {
        None
    }
    /// Whether the rendering should stop now.
    fn is_cancelled(&self) -> bool {
        false
    }
}
