# The Go version is go.mod's; a test holds them together.
FROM --platform=$BUILDPLATFORM golang:1.26.8 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH VERSION=
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o /rootfs/usr/local/bin/scim-cognito ./cmd/scim-cognito
RUN mkdir -p /rootfs/etc/ssl/certs /rootfs/etc/scim-cognito /rootfs/tmp && chmod 1777 /rootfs/tmp && \
    cp /etc/ssl/certs/ca-certificates.crt /rootfs/etc/ssl/certs/
RUN mkdir -p /data

# No shell, no package manager: the program, the certificates of AWS, a /tmp for `serve --emulator`.
FROM scratch
COPY --from=build /rootfs/ /
COPY --from=build --chown=65532:65532 /data /var/lib/scim-cognito
USER 65532:65532
VOLUME /var/lib/scim-cognito
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["/usr/local/bin/scim-cognito", "health"]
ENTRYPOINT ["/usr/local/bin/scim-cognito"]
CMD ["serve", "--config", "/etc/scim-cognito/config.json", "--listen", "0.0.0.0:8080", "--store", "sqlite:/var/lib/scim-cognito/scim-cognito.db"]
