#!/bin/sh
# Makes the sample project anew: tasks, texts, tokenizer, config, then the base model, which Dayrun
# trains itself from random weights in two courses.
# Usage: rebuild.sh BUILD_FOLDER   (a configured build of this project)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${1:?"Usage: $0 BUILD_FOLDER (a configured build of this project)"}
work=$here/work

# The adapter folder of a project with one run: for method full it holds the whole model.
model_of() {
    find "$1/runs" -mindepth 2 -maxdepth 2 -type d -name adapter | head -n 1
}

# take_model PROJECT FOLDER
take_model() {
    model=$(model_of "$1")
    mkdir -p "$2"
    for file in config.json model.safetensors tokenizer.model; do
        cp "${model:?"no model in $1"}/$file" "$2/$file"
    done
}

echo "1/4 Building the generator and dayrun"
cmake --build "$build" --target dayrun_sample_generator dayrun
generator=$(find "$build" -name dayrun_sample_generator -type f | head -n 1)
dayrun=$(find "$build" -name dayrun -type f | head -n 1)

echo "2/4 Writing tasks, texts, tokenizer and config (seconds)"
rm -rf "$work" "$here/data"
"$generator" tasks "$here/data"
"$generator" base "$work" 20000 16000

echo "3/4 First course: everything (about 7 minutes on one free core)"
"$dayrun" --batch "$here/recipes/base.yaml" --project "$work/project_first" \
    --threads 1 >"$work/first.jsonl"
take_model "$work/project_first" "$work/first"

echo "4/4 Second course: mostly facts (about 4 minutes on one free core)"
"$dayrun" --batch "$here/recipes/base_facts.yaml" --project "$work/project_facts" \
    --threads 1 >"$work/facts_run.jsonl"
take_model "$work/project_facts" "$here/base"
echo "Done: $here/base"
