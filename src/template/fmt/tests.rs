use super::*;

#[test]
fn prints() {
    let mut out = Vec::new();
    print(&mut out, &Value::Float64(1e6));
    print(&mut out, &Value::Nil);
    assert_eq!(String::from_utf8_lossy(&out), "1e+06<no value>");
    assert_eq!(
        sprintf(&"%05d|%-5s|%q|%".into(), &[Value::Int(-3), "a".into(), "b\n".into()]).to_text(),
        "-0003|a    |\"b\\n\"|%!(NOVERB)"
    );
}
