// An identity provider that signs everybody in at once, as one user: it says in a line of JSON where it is.
package main

import (
	"encoding/json"
	"os"

	"github.com/oauth2-proxy/mockoidc"
)

func main() {
	provider, err := mockoidc.Run()
	if err != nil {
		panic(err)
	}
	json.NewEncoder(os.Stdout).Encode(map[string]string{
		"issuer":       provider.Issuer(),
		"clientId":     provider.ClientID,
		"clientSecret": provider.ClientSecret,
		"jwks":         provider.JWKSEndpoint(),
	})
	select {}
}
