//! A suggestion for a name that does not exist.

/// Jaro-Winkler similarity from which on a name is suggested.
const LIKE: f64 = 0.8;

/// The known name that is most like a mistyped one. `None` if none is like it.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.into_iter().map(|known| (strsim::jaro_winkler(name, known), known));
    let nearest = scored.max_by(|one, other| one.0.total_cmp(&other.0));
    nearest.filter(|(score, _)| *score > LIKE).map(|(_, known)| known)
}

/// The nearest name as the end of a message: "; did you mean basic?". Empty if none is like it.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map(|known| format!("; did you mean {known}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests;
