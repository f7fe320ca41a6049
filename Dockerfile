# The image of toolmend: a virtual environment from a hash-locked list, on a slim Debian Python. docs/containers.md tells how to run it.
#
# BASE is any image of Debian or Ubuntu (glibc) with Python 3.11 or newer and its `venv` as `python3`. A tag moves: for builds
# that can be repeated give the digest too, BASE=python:3.13-slim-bookworm@sha256:... (`docker buildx imagetools inspect` tells
# it; the one of the index, which covers amd64 and arm64).
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS builder
# For builders behind a proxy or a mirror: the file of a CA, and an index. Neither is in the final image.
ARG PIP_CERT
ARG PIP_INDEX_URL
# The list of packages: base, or otel for `--otel`.
ARG PACKAGES=base
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# For `strip`: some wheels carry symbols for debuggers, which are more than half of all that we install.
RUN apt-get update -qq && apt-get install -qq --no-install-recommends binutils >/dev/null
# Two environments: pip and setuptools stay in /build, and /opt/toolmend, which is copied, gets neither.
RUN python3 -m venv /build && python3 -m venv --without-pip /opt/toolmend
COPY requirements /src/requirements
RUN /build/bin/pip install --require-hashes --only-binary :all: -r /src/requirements/build.txt \
 && /build/bin/pip --python /opt/toolmend/bin/python install --no-compile --require-hashes --only-binary :all: \
        -r /src/requirements/${PACKAGES}.txt \
 && find /opt/toolmend -name '*.so' -exec strip --strip-unneeded {} +
COPY pyproject.toml README.md LICENSE /src/
COPY rules /src/rules
COPY adapters /src/adapters
COPY proxy /src/proxy
# The last line: compiled once, here. The files name no source time, so that none is compiled again at a start, on a root file
# system that cannot be written to, whatever a builder does to times.
RUN /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels /src \
 && /build/bin/pip --python /opt/toolmend/bin/python install --no-compile --no-deps --no-index /wheels/*.whl \
 && rm -f /opt/toolmend/bin/activate* /opt/toolmend/bin/Activate* \
 && /opt/toolmend/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/toolmend/lib

FROM ${BASE} AS runtime
# What nobody needs who only runs toolmend: what installs packages, parts of Python for developers, texts, tables of old character
# sets, and rights that a program would gain by being run. The list of Debian's packages stays: scanners read it. /journal is the
# one place that toolmend writes to, where it is told to keep a journal.
RUN for lib in /usr/lib/python3* /usr/local/lib/python3*; do \
        rm -rf $lib/site-packages/pip* $lib/ensurepip $lib/idlelib $lib/lib2to3 $lib/test $lib/tkinter $lib/turtledemo; \
    done \
 && rm -rf /usr/local/bin/pip* /usr/local/bin/idle* /usr/local/include /usr/share/python-wheels /usr/share/doc/* /usr/share/man/* \
        /usr/share/locale/* /usr/lib/*/gconv /usr/bin/apt* /usr/lib/apt /usr/lib/*/libapt* /var/lib/apt /var/cache/* /var/log/* \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
 && install -d -m 0700 -o 10001 -g 10001 /journal

# From nothing, so that what was removed is in no layer either.
FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="toolmend" \
      org.opencontainers.image.description="A reverse proxy that makes local models work under unchanged agent frameworks: it mends tool calls." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=runtime / /
COPY --from=builder /opt/toolmend /opt/toolmend
# A container's loopback is reached by nobody, so it listens on all addresses. Beyond loopback toolmend refuses to start without a
# key: set TOOLMEND_CLIENT_KEY, or TOOLMEND_NO_KEY_NEEDED=1 where only the right ones reach the port. Neither is chosen for you here.
ENV PATH=/opt/toolmend/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TOOLMEND_HOST=0.0.0.0
# A number, so that `runAsNonRoot` can be checked without a list of users.
USER 10001:10001
WORKDIR /journal
EXPOSE 8900
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["python3", "-c", "import os, ssl, urllib.request as u\ntls = 's' * bool(os.environ.get('TOOLMEND_TLS_CERT'))\nhttps = u.HTTPSHandler(context=ssl._create_unverified_context())\nu.build_opener(u.ProxyHandler({}), https).open(f\"http{tls}://127.0.0.1:{os.environ.get('TOOLMEND_PORT', 8900)}/healthz\", timeout=2)"]
ENTRYPOINT ["toolmend"]
CMD ["serve"]
