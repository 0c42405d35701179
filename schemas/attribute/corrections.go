package attribute

// correction names a definition: the URN of its schema ("" for the common attributes) and its Path.
type correction struct{ urn, path string }

// corrections puts right what elimity's definitions say otherwise than the RFC. Other differences from RFC 7643
// §8.7.1 stay, for there the listing contradicts the RFC's own text (references and binary values are case exact by
// §2.3.6 and §2.3.7, a group's displayName is required by §4.2) or elimity adds a default sub-attribute of §2.4
// (addresses.primary, members.display).
var corrections = map[correction]func(*Attribute){
	// §3: the URIs of the schemas in use, which the provider derives from what it stores. elimity says immutable, which
	// would refuse a client that adds an extension's URN along with the extension's attributes.
	{"", "schemas"}: func(a *Attribute) { a.Mutability, a.Returned = ReadOnly, Always },
}
