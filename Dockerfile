# JupyterLab on the quick start, on a CPU:
#   docker build -t dragstream .
#   docker run --rm -p 127.0.0.1:8888:8888 dragstream
# and open the address that it prints.
FROM python:3.11-slim

RUN useradd --create-home --uid 1000 student
USER 1000
ENV PATH=/home/student/.local/bin:$PATH PIP_NO_CACHE_DIR=1
WORKDIR /home/student/dragstream

# torch without CUDA, before the rest: this layer is kept when the code changes
COPY --chown=student constraints.txt .
RUN pip install --user -c constraints.txt torch --index-url https://download.pytorch.org/whl/cpu \
        --extra-index-url https://pypi.org/simple

COPY --chown=student . .
RUN pip install --user -c constraints.txt -e ".[lab]" \
    && mkdir -p ~/.local/share/jupyter/lab/settings \
    && cp tools/lab-overrides.json ~/.local/share/jupyter/lab/settings/overrides.json

EXPOSE 8888
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--no-browser", \
     "--LabApp.app_settings_dir=/home/student/.local/share/jupyter/lab/settings", \
     "--LabApp.default_url=/lab/tree/notebooks/01_first_drag.ipynb"]
